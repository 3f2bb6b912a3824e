/** The last few events of the service, oldest first; a bounded list. */

const MOST_EVENTS = 30;

export class RecentEvents {
  #events = [];

  add(event) {
    if (!Number.isFinite(event?.time_ns) || typeof event.message !== "string") return;
    // After the service restarts its numbers begin anew, and it may repeat what it has kept.
    const isKnown = this.#events.some(
      (each) => each.id === event.id && each.time_ns === event.time_ns
    );
    if (isKnown) return;
    this.#events.push(event);
    if (this.#events.length > MOST_EVENTS) this.#events.shift();
  }

  list() {
    return this.#events;
  }
}
