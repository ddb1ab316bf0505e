import { TestBed } from '@angular/core/testing';

import type { Item } from '../answer';
import { ItemList } from './item-list';

describe('ItemList', () => {
  async function show(items: readonly Item[], stale = false): Promise<HTMLElement> {
    const fixture = TestBed.createComponent(ItemList);
    fixture.componentRef.setInput('items', items);
    fixture.componentRef.setInput('stale', stale);
    await fixture.whenStable();
    const element = fixture.nativeElement as HTMLElement;
    const list = element.querySelector<HTMLElement>('[data-testid="items"]');
    if (list === null) {
      throw new Error('There is no list.');
    }
    return list;
  }

  it('shows each item with its name and its state, in order', async () => {
    const list = await show([
      { id: 2, name: 'test', state: 'ready' },
      { id: 1, name: 'format', state: 'waiting' },
    ]);

    const lines = Array.from(list.querySelectorAll('li'), (line) => line.textContent.trim());
    expect(lines).toEqual(['testready', 'formatwaiting']);
  });

  it('sets off the state "ready" from every other', async () => {
    const list = await show([
      { id: 1, name: 'format', state: 'ready' },
      { id: 2, name: 'test', state: 'failed' },
    ]);

    const marked = Array.from(list.querySelectorAll('.state--ready'), (mark) => mark.textContent);
    expect(marked).toEqual(['ready']);
  });

  it('says so when there are none', async () => {
    const list = await show([]);

    expect(list.textContent).toContain('no items');
  });

  it('dims what is stale, and only that', async () => {
    expect((await show([], true)).classList).toContain('items--stale');
    expect((await show([], false)).classList).not.toContain('items--stale');
  });
});
