import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { ApplicationRef } from '@angular/core';
import { TestBed } from '@angular/core/testing';

import { appConfig } from './app.config';
import { Feed } from './feed';

describe('Feed', () => {
  const item = { id: 1, name: 'format', state: 'ready' };
  let backend: HttpTestingController;
  let feed: Feed;

  beforeEach(() => {
    TestBed.configureTestingModule({
      providers: [...appConfig.providers, provideHttpClientTesting()],
    });
    backend = TestBed.inject(HttpTestingController);
    feed = TestBed.inject(Feed);
  });

  afterEach(() => {
    backend.verify();
  });

  function answered(body: object): void {
    feed.refresh();
    backend.expectOne('api/data').flush(body);
  }

  function failed(): void {
    feed.refresh();
    backend.expectOne('api/data').flush('', { status: 502, statusText: 'Bad Gateway' });
  }

  it('knows nothing before it has asked', () => {
    expect(feed.snapshot()).toBeNull();
    expect(feed.failure()).toBeNull();
    expect(feed.busy()).toBeFalse();
    expect(feed.stale()).toBeFalse();
  });

  it('is busy until the answer is there', () => {
    feed.refresh();
    expect(feed.busy()).toBeTrue();

    backend.expectOne('api/data').flush({ items: [], count: 0 });

    expect(feed.busy()).toBeFalse();
  });

  it('keeps the answer and the time it came', () => {
    const before = Date.now();

    answered({ items: [item], count: 1 });

    expect(feed.snapshot()?.items).toEqual([item]);
    expect(feed.snapshot()?.count).toBe(1);
    expect(feed.snapshot()?.at.getTime()).toBeGreaterThanOrEqual(before);
    expect(feed.stale()).toBeFalse();
  });

  it('fails without data when the first request fails', () => {
    failed();

    expect(feed.failure()?.reason).toContain('does not answer');
    expect(feed.snapshot()).toBeNull();
    expect(feed.stale()).toBeFalse();
    expect(feed.busy()).toBeFalse();
  });

  it('keeps what it knew when a later request fails, and calls it stale', () => {
    answered({ items: [item], count: 1 });
    failed();

    expect(feed.snapshot()?.items).toEqual([item]);
    expect(feed.stale()).toBeTrue();
  });

  it('forgets the failure with the next good answer', () => {
    failed();
    answered({ items: [item], count: 1 });

    expect(feed.failure()).toBeNull();
    expect(feed.stale()).toBeFalse();
  });

  it('fails on an answer that has not the agreed form', () => {
    answered({ items: 'many' });

    expect(feed.failure()?.reason).toContain('cannot be understood');
  });

  it('asks once at a time', () => {
    feed.refresh();
    feed.refresh();

    backend.expectOne('api/data').flush({ items: [], count: 0 });
  });
});

describe('Feed, with a backend that stays silent', () => {
  function neverAnswer(_: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    return new Promise((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => {
        reject(init.signal?.reason as DOMException);
      });
    });
  }

  beforeEach(() => {
    TestBed.configureTestingModule({ providers: appConfig.providers });
    jasmine.clock().install();
    spyOn(window, 'fetch').and.callFake(neverAnswer);
  });

  afterEach(() => {
    jasmine.clock().uninstall();
  });

  it('gives up after twenty seconds', async () => {
    const feed = TestBed.inject(Feed);
    feed.refresh();

    jasmine.clock().tick(19_999);
    expect(feed.busy()).toBeTrue();
    jasmine.clock().tick(1);
    await TestBed.inject(ApplicationRef).whenStable();

    expect(feed.busy()).toBeFalse();
    expect(feed.failure()?.reason).toContain('in time');
  });
});
