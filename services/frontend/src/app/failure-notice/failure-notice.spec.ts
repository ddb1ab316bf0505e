import { type ComponentFixture, TestBed } from '@angular/core/testing';

import { FailureNotice } from './failure-notice';

describe('FailureNotice', () => {
  const failure = {
    reason: 'The backend does not answer.',
    requestId: null,
    at: new Date(2026, 0, 2, 14, 3, 9),
  };
  let fixture: ComponentFixture<FailureNotice>;
  let element: HTMLElement;

  beforeEach(async () => {
    fixture = TestBed.createComponent(FailureNotice);
    fixture.componentRef.setInput('failure', failure);
    element = fixture.nativeElement as HTMLElement;
    await fixture.whenStable();
  });

  const retry = (): HTMLButtonElement | null =>
    element.querySelector<HTMLButtonElement>('[data-testid="retry"]');

  it('is an alert that tells reason and time', () => {
    const alert = element.querySelector('[role="alert"]');

    expect(alert?.textContent).toContain('The backend does not answer.');
    expect(alert?.querySelector('time')?.textContent).toBe('14:03:09');
    expect(alert?.querySelector('time')?.dateTime).toBe(failure.at.toISOString());
  });

  it('names the request id only when there is one', async () => {
    expect(element.textContent).not.toContain('Request id');

    fixture.componentRef.setInput('failure', { ...failure, requestId: 'abc' });
    await fixture.whenStable();

    expect(element.textContent).toContain('Request id abc');
  });

  it('asks for another try when its button is pressed', () => {
    let tries = 0;
    fixture.componentInstance.retry.subscribe(() => (tries += 1));

    retry()?.click();

    expect(tries).toBe(1);
  });

  it('says that a try is under way and keeps the button in the order of focus', async () => {
    fixture.componentRef.setInput('busy', true);
    await fixture.whenStable();

    expect(retry()?.textContent.trim()).toBe('Trying…');
    expect(retry()?.getAttribute('aria-disabled')).toBe('true');
    expect(retry()?.disabled).toBeFalse();
  });
});
