import { HttpErrorResponse, HttpHeaders } from '@angular/common/http';

import { explain } from './failure';

describe('explain', () => {
  const at = new Date('2026-01-02T03:04:05Z');
  const reasonOf = (error: unknown): string => explain(error, at).reason;

  for (const status of [502, 503, 504]) {
    it(`says of status ${String(status)} that the backend does not answer`, () => {
      expect(reasonOf(new HttpErrorResponse({ status }))).toContain('does not answer');
    });
  }

  it('says that the server cannot be reached when there was no answer at all', () => {
    const error = new HttpErrorResponse({ status: 0, error: new TypeError('Failed to fetch') });

    expect(reasonOf(error)).toContain('cannot be reached');
  });

  it('tells a time-out from a server that cannot be reached', () => {
    const error = new HttpErrorResponse({
      status: 0,
      error: new DOMException('signal timed out', 'TimeoutError'),
    });

    expect(reasonOf(error)).toContain('in time');
  });

  it('does not call an aborted request a time-out', () => {
    const error = new HttpErrorResponse({
      status: 0,
      error: new DOMException('gone', 'AbortError'),
    });

    expect(reasonOf(error)).toContain('cannot be reached');
  });

  it('says that an answer with status 200 is not JSON', () => {
    expect(reasonOf(new HttpErrorResponse({ status: 200 }))).toContain('not JSON');
  });

  it('names any other status', () => {
    expect(reasonOf(new HttpErrorResponse({ status: 500 }))).toContain('status 500');
  });

  it('keeps the request id for whoever asks for help, and the time', () => {
    const headers = new HttpHeaders({ 'X-Request-ID': 'abc' });

    const failure = explain(new HttpErrorResponse({ status: 500, headers }), at);

    expect(failure.requestId).toBe('abc');
    expect(failure.at).toBe(at);
  });

  it('has no request id when the answer had none', () => {
    expect(explain(new HttpErrorResponse({ status: 500 }), at).requestId).toBeNull();
  });

  it('passes on what any other error says', () => {
    expect(reasonOf(new Error('it holds no count'))).toBe('it holds no count');
    expect(reasonOf('odd')).toBe('odd');
  });
});
