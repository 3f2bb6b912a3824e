/** Tells a screen reader what changed, seldom enough to be listened to. */

const PAUSE_MS = 4000;

export class Announcer {
  #region;
  #said = "";
  #saidAt = -Infinity;

  constructor(region) {
    this.#region = region;
  }

  /**
   * Called often with the sentence that holds now. What no longer holds is taken away at once,
   * which is not spoken; what holds instead is said after a pause.
   */
  offer(sentence, now) {
    if (sentence === this.#said) return;
    this.#said = "";
    if (this.#region.textContent !== "") this.#region.textContent = "";
    if (now - this.#saidAt < PAUSE_MS) return;
    this.#said = sentence;
    this.#saidAt = now;
    this.#region.textContent = sentence;
  }
}
