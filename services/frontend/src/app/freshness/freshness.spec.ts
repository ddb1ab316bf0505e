import { TestBed } from '@angular/core/testing';

import { Freshness } from './freshness';

describe('Freshness', () => {
  const at = new Date(2026, 0, 2, 14, 3, 9);

  async function show(count: number, stale = false): Promise<HTMLElement> {
    const fixture = TestBed.createComponent(Freshness);
    fixture.componentRef.setInput('snapshot', { items: [], count, at });
    fixture.componentRef.setInput('stale', stale);
    await fixture.whenStable();
    return fixture.nativeElement as HTMLElement;
  }

  it('tells the count and the time of the answer', async () => {
    const element = await show(3);

    expect(element.textContent).toContain('3 items');
    expect(element.textContent).toContain('Answered at 14:03:09');
    expect(element.querySelector('time')?.dateTime).toBe(at.toISOString());
  });

  it('counts one item in the singular', async () => {
    expect((await show(1)).querySelector('[data-testid="count"]')?.textContent).toBe('1 item');
  });

  it('calls old data stale in words', async () => {
    const element = await show(3, true);

    expect(element.textContent).toContain('Last known, from 14:03:09');
    expect(element.querySelector('[data-testid="stale"]')?.textContent).toBe('stale');
  });

  it('does not call fresh data stale', async () => {
    expect((await show(3)).querySelector('[data-testid="stale"]')).toBeNull();
  });
});
