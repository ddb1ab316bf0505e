import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { type ComponentFixture, TestBed } from '@angular/core/testing';

import { App } from './app';
import { appConfig } from './app.config';

describe('App', () => {
  const body = { items: [{ id: 1, name: 'format', state: 'ready' }], count: 1 };
  let backend: HttpTestingController;
  let fixture: ComponentFixture<App>;
  let element: HTMLElement;

  beforeEach(() => {
    TestBed.configureTestingModule({
      providers: [...appConfig.providers, provideHttpClientTesting()],
    });
    backend = TestBed.inject(HttpTestingController);
    fixture = TestBed.createComponent(App);
    element = fixture.nativeElement as HTMLElement;
    fixture.detectChanges();
  });

  afterEach(() => {
    backend.verify();
  });

  const find = (name: string): HTMLElement | null =>
    element.querySelector<HTMLElement>(`[data-testid="${name}"]`);

  async function answer(): Promise<void> {
    backend.expectOne('api/data').flush(body);
    await fixture.whenStable();
  }

  async function breakDown(): Promise<void> {
    backend.expectOne('api/data').flush('', { status: 504, statusText: 'Gateway Timeout' });
    await fixture.whenStable();
  }

  async function press(name: string): Promise<void> {
    find(name)?.click();
    await fixture.whenStable();
  }

  it('asks the backend as soon as it opens and says that it waits', async () => {
    expect(find('loading')?.textContent).toContain('Asking the backend');
    expect(element.querySelector('main')?.getAttribute('aria-busy')).toBe('true');
    expect(find('refresh')?.textContent.trim()).toBe('Refreshing…');

    await answer();
  });

  it('shows items, count and time once they are there', async () => {
    await answer();

    expect(find('items')?.textContent).toContain('format');
    expect(find('count')?.textContent).toBe('1 item');
    expect(find('answered-at')?.textContent).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(find('loading')).toBeNull();
    expect(find('failure')).toBeNull();
    expect(element.querySelector('main')?.getAttribute('aria-busy')).toBe('false');
  });

  it('asks again when the reader presses Refresh', async () => {
    await answer();
    await press('refresh');

    await answer();
    expect(find('items')).not.toBeNull();
  });

  it('shows nothing but the failure when there never was an answer', async () => {
    await breakDown();

    expect(find('failure')?.textContent).toContain('does not answer');
    expect(find('items')).toBeNull();
    expect(find('loading')).toBeNull();
  });

  it('keeps the last known data when the backend fails later, and calls them stale', async () => {
    await answer();
    await press('refresh');
    await breakDown();

    expect(find('failure')).not.toBeNull();
    expect(find('items')?.textContent).toContain('format');
    expect(find('items')?.classList).toContain('items--stale');
    expect(find('stale')).not.toBeNull();
  });

  it('recovers when the reader tries again and the backend is back', async () => {
    await breakDown();
    await press('retry');
    expect(find('failure')).withContext('until the answer is there').not.toBeNull();

    await answer();

    expect(find('failure')).toBeNull();
    expect(find('items')?.textContent).toContain('format');
  });
});
