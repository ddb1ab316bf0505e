import { ChangeDetectionStrategy, Component, input } from '@angular/core';

import type { Item } from '../answer';

/** The backend's items, each with its state; dimmed while they are stale. */
@Component({
  selector: 'app-item-list',
  templateUrl: './item-list.html',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class ItemList {
  readonly items = input.required<readonly Item[]>();
  readonly stale = input(false);
}
