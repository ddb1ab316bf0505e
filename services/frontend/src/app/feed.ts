import { HttpClient } from '@angular/common/http';
import { computed, inject, Injectable, signal } from '@angular/core';
import { finalize, map } from 'rxjs';

import { type Answer, readAnswer } from './answer';
import { explain, type Failure } from './failure';

/** An answer of the backend and when it came. */
export interface Snapshot extends Answer {
  readonly at: Date;
}

const ADDRESS = 'api/data';
/** Longer than nginx waits for the backend: nginx's own answer tells more than a time-out here. */
const PATIENCE_MILLISECONDS = 20_000;

/** What is known of the backend's data. A failure takes nothing away of what was known before it. */
@Injectable({ providedIn: 'root' })
export class Feed {
  private readonly http = inject(HttpClient);
  private readonly asking = signal(false);
  private readonly last = signal<Snapshot | null>(null);
  private readonly fault = signal<Failure | null>(null);

  /** A request is on its way. */
  readonly busy = this.asking.asReadonly();
  /** The last good answer; null before the first one. */
  readonly snapshot = this.last.asReadonly();
  /** Why the latest request failed; null when it did not. */
  readonly failure = this.fault.asReadonly();
  /** There is something to show, but the backend has failed since. */
  readonly stale = computed(() => this.last() !== null && this.fault() !== null);

  /** Ask the backend once; while an answer is awaited, asking again does nothing. */
  refresh(): void {
    if (this.asking()) {
      return;
    }
    this.asking.set(true);
    this.http
      .get<unknown>(ADDRESS, { timeout: PATIENCE_MILLISECONDS })
      .pipe(
        map(readAnswer),
        finalize(() => {
          this.asking.set(false);
        }),
      )
      .subscribe({
        next: (answer) => {
          this.last.set({ ...answer, at: new Date() });
          this.fault.set(null);
        },
        error: (error: unknown) => {
          this.fault.set(explain(error, new Date()));
        },
      });
  }
}
