import { HttpErrorResponse } from '@angular/common/http';

/** Why there is no new answer, in words for a person, and what to quote when asking for help. */
export interface Failure {
  readonly reason: string;
  readonly requestId: string | null;
  readonly at: Date;
}

const GATEWAY_STATUSES: readonly number[] = [502, 503, 504];

/** Turn what a request threw at `at` into a failure. */
export function explain(error: unknown, at: Date): Failure {
  if (error instanceof HttpErrorResponse) {
    return { reason: explainStatus(error), requestId: error.headers.get('X-Request-ID'), at };
  }
  return { reason: error instanceof Error ? error.message : String(error), requestId: null, at };
}

function explainStatus(error: HttpErrorResponse): string {
  if (isTimeout(error.error)) {
    return 'The backend did not answer in time.';
  }
  if (error.status === 0) {
    return 'The server cannot be reached. Is this device online?';
  }
  if (error.status === 200) {
    return "The backend's answer cannot be understood: it is not JSON.";
  }
  if (GATEWAY_STATUSES.includes(error.status)) {
    return 'The backend does not answer at the moment.';
  }
  return `The backend answered with an error (status ${String(error.status)}).`;
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === 'TimeoutError';
}
