import { Pipe, type PipeTransform } from '@angular/core';

const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** A moment as a clock shows it where the reader is: 14:03:09. */
@Pipe({ name: 'clockTime' })
export class ClockTime implements PipeTransform {
  transform(moment: Date): string {
    return CLOCK.format(moment);
  }
}
