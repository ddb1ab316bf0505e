/** One item of the backend. */
export interface Item {
  readonly id: number;
  readonly name: string;
  readonly state: string;
}

/** The body of `GET /api/data`. */
export interface Answer {
  readonly items: readonly Item[];
  readonly count: number;
}

/** The backend answered, but not in the agreed form. */
export class AnswerError extends Error {
  constructor(what: string) {
    super(`The backend's answer cannot be understood: ${what}.`);
    this.name = 'AnswerError';
  }
}

/** Check a decoded JSON body once, here at the edge; throw AnswerError when it is not an answer. */
export function readAnswer(body: unknown): Answer {
  if (!isRecord(body) || !Array.isArray(body['items'])) {
    throw new AnswerError('it holds no list of items');
  }
  if (typeof body['count'] !== 'number') {
    throw new AnswerError('it holds no count');
  }
  return { items: body['items'].map(readItem), count: body['count'] };
}

function readItem(value: unknown, index: number): Item {
  if (
    !isRecord(value) ||
    typeof value['id'] !== 'number' ||
    typeof value['name'] !== 'string' ||
    typeof value['state'] !== 'string'
  ) {
    throw new AnswerError(`item ${String(index + 1)} lacks an id, a name or a state`);
  }
  return { id: value['id'], name: value['name'], state: value['state'] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
