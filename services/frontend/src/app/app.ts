import { ChangeDetectionStrategy, Component, inject } from '@angular/core';

import { FailureNotice } from './failure-notice/failure-notice';
import { Feed } from './feed';
import { Freshness } from './freshness/freshness';
import { ItemList } from './item-list/item-list';

/** The page: asks the backend once when it opens and again whenever the reader wants. */
@Component({
  selector: 'app-root',
  imports: [FailureNotice, Freshness, ItemList],
  templateUrl: './app.html',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class App {
  protected readonly feed = inject(Feed);

  constructor() {
    this.feed.refresh();
  }
}
