/**
 * Time that passes, in milliseconds, for the age of what is shown.
 *
 * The steady clock of a browser stands still while the device sleeps, and the wall clock may jump.
 * Each reading adds whichever of the two went further: after a sleep or a jump forward everything
 * looks too old and is fetched anew, which is harmless; nothing old ever looks new.
 */
export class Clock {
  #steady = performance.now();
  #wall = Date.now();
  #elapsed = 0;

  now() {
    const steady = performance.now();
    const wall = Date.now();
    this.#elapsed += Math.max(steady - this.#steady, wall - this.#wall, 0);
    this.#steady = steady;
    this.#wall = wall;
    return this.#elapsed;
  }
}
