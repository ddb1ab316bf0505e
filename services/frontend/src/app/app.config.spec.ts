import { HttpClient } from '@angular/common/http';
import { NgZone } from '@angular/core';
import { TestBed } from '@angular/core/testing';

import { appConfig } from './app.config';

describe('appConfig', () => {
  beforeEach(() => {
    TestBed.configureTestingModule({ providers: appConfig.providers });
  });

  it('asks servers by fetch', async () => {
    const fetched = spyOn(window, 'fetch').and.resolveTo(new Response('{}'));

    const answer = new Promise((resolve) => {
      TestBed.inject(HttpClient).get('somewhere').subscribe(resolve);
    });

    expect(await answer).toEqual({});
    expect(fetched).toHaveBeenCalledOnceWith('somewhere', jasmine.anything());
  });

  it('needs no zone to see what changes', () => {
    expect(TestBed.inject(NgZone)).not.toBeInstanceOf(NgZone);
  });
});
