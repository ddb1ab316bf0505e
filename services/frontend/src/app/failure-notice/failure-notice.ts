import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';

import { ClockTime } from '../clock-time';
import type { Failure } from '../failure';

/** Says aloud that the backend failed, why and when, and offers to try again. */
@Component({
  selector: 'app-failure-notice',
  imports: [ClockTime],
  templateUrl: './failure-notice.html',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class FailureNotice {
  readonly failure = input.required<Failure>();
  readonly busy = input(false);
  readonly retry = output();
}
