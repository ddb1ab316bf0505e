import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';

import { ClockTime } from '../clock-time';
import type { Snapshot } from '../feed';

/** How many items there are and when the backend said so. */
@Component({
  selector: 'app-freshness',
  imports: [ClockTime],
  templateUrl: './freshness.html',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Freshness {
  readonly snapshot = input.required<Snapshot>();
  readonly stale = input(false);

  protected readonly counted = computed(() => {
    const { count } = this.snapshot();
    return `${String(count)} ${count === 1 ? 'item' : 'items'}`;
  });
}
