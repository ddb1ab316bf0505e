import { AnswerError, readAnswer } from './answer';

describe('readAnswer', () => {
  const item = { id: 1, name: 'format', state: 'ready' };

  it('keeps items and count', () => {
    expect(readAnswer({ items: [item], count: 1 })).toEqual({ items: [item], count: 1 });
  });

  it('leaves out what it does not know', () => {
    const answer = readAnswer({ items: [{ ...item, owner: 'me' }], count: 1, page: 2 });

    expect(answer).toEqual({ items: [item], count: 1 });
  });

  for (const body of [null, 'text', 7, {}, { items: 'many', count: 1 }]) {
    it(`refuses ${JSON.stringify(body)}, which holds no items`, () => {
      expect(() => readAnswer(body)).toThrowError(AnswerError, /no list of items/);
    });
  }

  it('refuses an answer without a count', () => {
    expect(() => readAnswer({ items: [], count: '0' })).toThrowError(AnswerError, /no count/);
  });

  for (const broken of [null, { ...item, id: '1' }, { ...item, name: 1 }, { id: 1, name: 'x' }]) {
    it(`names the item that is broken: ${JSON.stringify(broken)}`, () => {
      expect(() => readAnswer({ items: [item, broken], count: 2 })).toThrowError(
        AnswerError,
        /item 2 lacks/,
      );
    });
  }
});
