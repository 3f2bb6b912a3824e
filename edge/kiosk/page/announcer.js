/** Tells a screen reader what changed, seldom enough to be listened to. */

const PAUSE_MS = 4000;

export class Announcer {
  #region;
  #said = "";
  #saidAt = -Infinity;

  constructor(region) {
    this.#region = region;
  }

  /** Called often with the sentence that holds now; says it where it is new, after a pause. */
  offer(sentence, now) {
    if (sentence === this.#said || now - this.#saidAt < PAUSE_MS) return;
    this.#said = sentence;
    this.#saidAt = now;
    this.#region.textContent = sentence;
  }
}
