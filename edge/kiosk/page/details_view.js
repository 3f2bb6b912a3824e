/** The details panel: model, state, events. Pure: values in, descriptions of elements out. */
import { element } from "./element.js";

const BYTES_PER_MIB = 1024 * 1024;

/** Pairs of a name and its value; a value is text or a list of elements. */
function pairs(rows) {
  return element(
    "dl",
    { class: "pairs" },
    rows.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value))
    )
  );
}

/** Words of the model's maker or of the service, as they are. */
function foreign(text, lang = "") {
  return [element("span", { class: "label", translate: "no", dir: "auto", lang }, String(text))];
}

/** The text of a stable word; the word itself where this page is older than the service. */
function word(language, group, name) {
  const key = `${group}.${name}`;
  return language.has(key) ? language.text(key) : String(name);
}

export function describeCard(card, language) {
  if (card === null) return [element("p", {}, language.text("details.noModel"))];
  const rows = [
    [language.text("card.name"), foreign(card.model.name)],
    [language.text("card.version"), foreign(card.model.version)],
    [language.text("card.digest"), foreign(card.model.digest)],
    [language.text("card.task"), foreign(card.task)],
    [language.text("card.intendedUse"), foreign(card.intended_use)],
    [language.text("card.limits"), foreign(card.limits)],
    [language.text("card.licence"), foreign(card.licence)],
    [language.text("card.engine"), foreign(`${card.engine} ${card.engine_version}`)],
    [language.text("card.precision"), foreign(card.precision)],
    [language.text("card.artifact"), foreign(card.artifact)],
    [language.text("card.selftest"), word(language, "selftest", card.selftest)],
    ...card.outputs.map((output) => describeOutputCard(output, language))
  ];
  return [pairs(rows)];
}

function describeOutputCard(output, language) {
  const labels = output.labels.map((label) => {
    const threshold = output.thresholds?.[label];
    if (threshold === undefined) return label;
    const least = language.text("answer.threshold", { n: language.value(threshold) });
    return `${label} (${least})`;
  });
  const unit = output.unit ? ` [${output.unit}]` : "";
  return [
    language.text("card.output", { name: output.name }),
    [`${word(language, "kind", output.kind)}: `, ...foreign(labels.join(", ") + unit)]
  ];
}

export function describeHealth(health, language) {
  if (health === null) return [element("p", {}, language.text("details.noHealth"))];
  return [
    pairs([
      [language.text("health.status"), word(language, "health", health.status)],
      ...health.problems.map((each) => [
        language.text("health.problem"),
        foreign(`${each.message} (${each.code})`, "en")
      ]),
      ...sourceRows(health.source, language),
      [language.text("health.worker"), workerText(health.worker, language)],
      [language.text("health.journal"), journalText(health.journal, language)],
      [language.text("health.update"), updateText(health.update, language)],
      [language.text("health.service"), serviceText(health.service, language)]
    ])
  ];
}

function since(language, group, state, milliseconds) {
  const values = { state: word(language, group, state), duration: language.duration(milliseconds) };
  return language.text("health.since", values);
}

function sourceRows(source, language) {
  const parts = [since(language, "source", source.state, source.since_ms)];
  if (source.attempts > 0) parts.push(language.text("health.attempts", { n: source.attempts }));
  const counted = {
    captured: language.number(source.captured, 0),
    dropped: language.number(source.dropped, 0)
  };
  return [
    [language.text("health.source"), [...foreign(source.address), ` – ${parts.join("; ")}`]],
    [language.text("health.frames"), language.text("health.framesCounted", counted)]
  ];
}

function workerText(worker, language) {
  const restarts = language.text("health.restarts", { n: worker.restarts });
  return `${since(language, "worker", worker.state, worker.uptime_ms)}; ${restarts}`;
}

function journalText(journal, language) {
  const state = word(language, "journal", journal.state);
  if (journal.state === "off") return state;
  const mib = language.number(journal.bytes / BYTES_PER_MIB, 1);
  return `${state}; ${language.text("health.entries", { n: journal.last_sequence, mib })}`;
}

function updateText(update, language) {
  const parts = [word(language, "update", update.state)];
  if (update.slot) parts.unshift(update.slot);
  if (update.state === "trial") {
    const duration = language.duration(update.trial_left_ms);
    parts.push(language.text("health.trialLeft", { duration }));
  }
  return parts.join("; ");
}

function serviceText(service, language) {
  return `${service.version}; ${language.duration(service.uptime_ms)}`;
}

export function describeEvents(events, language) {
  if (events.length === 0) return [element("p", {}, language.text("details.noEvents"))];
  const items = events.toReversed().map((event) =>
    element(
      "li",
      { class: "event", "data-level": String(event.level) },
      element("span", { class: "event-time" }, language.time(event.time_ns)),
      element("span", { class: "event-level" }, word(language, "level", event.level)),
      element("span", { lang: "en", translate: "no" }, String(event.message))
    )
  );
  return [element("ol", { class: "events" }, items)];
}
