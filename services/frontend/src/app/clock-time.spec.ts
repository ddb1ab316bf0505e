import { ClockTime } from './clock-time';

describe('ClockTime', () => {
  it('shows hours, minutes and seconds of the local day', () => {
    expect(new ClockTime().transform(new Date(2026, 0, 2, 14, 3, 9))).toBe('14:03:09');
  });

  it('counts the hours of a day from 0 to 23', () => {
    expect(new ClockTime().transform(new Date(2026, 0, 2, 0, 0, 0))).toBe('00:00:00');
  });
});
