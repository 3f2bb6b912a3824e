/** What may be shown now. Whatever is not certain is no result. Pure functions, no page. */

const GATES_WITHOUT_PICTURE = new Set(["frozen", "stale", "source"]);
const GATES_OF_PICTURE = new Set(["black", "saturated", "even", "torn", "input"]);
const GATES_AFTER_PICTURE = new Set(["engine", "journal"]);
const LIVE_MS = 3000;

/**
 * @param {string} linkState "connecting", "open", "lost" or "denied".
 * @param {object|null} latest the newest Latest message of the service.
 * @param {number} sinceMs since that message came.
 * @returns {{state: string, gate: string, reason: string, answer: object|null, ageMs: number|null}}
 *     `state` as in Latest, or what the link is in where it is not open; `answer` only where it
 *     may be shown as one.
 */
export function chooseShown(linkState, latest, sinceMs) {
  if (linkState !== "open" || latest === null) {
    return noAnswer(linkState === "open" ? "connecting" : linkState);
  }
  const { state, gate, reason, answer, age_ms: ageMs } = latest;
  const said = typeof reason === "string" ? reason : "";
  if (state === "waiting") return noAnswer("waiting");
  if (state === "no_result") {
    return { ...noAnswer("no_result"), gate: typeof gate === "string" ? gate : "", reason: said };
  }
  if (state === "answered" && isReadable(answer)) {
    const age = Number.isFinite(ageMs) ? ageMs + sinceMs : null;
    return { state, gate: "", reason: "", answer, ageMs: age };
  }
  return { ...noAnswer("no_result"), gate: "unreadable" };
}

function noAnswer(state) {
  return { state, gate: "", reason: "", answer: null, ageMs: null };
}

function isReadable(answer) {
  return (
    answer?.status === "ok" &&
    ["name", "version", "digest"].every((key) => typeof answer.model?.[key] === "string") &&
    Array.isArray(answer.outputs) &&
    answer.outputs.length > 0 &&
    answer.outputs.every(isReadableOutput)
  );
}

function isReadableOutput(output) {
  const { name, kind, scores, decision } = output ?? {};
  if (typeof name !== "string") return false;
  if (!Array.isArray(scores) || scores.length === 0 || !Array.isArray(decision)) return false;
  if (!scores.every((each) => typeof each?.label === "string" && Number.isFinite(each.score))) {
    return false;
  }
  const labels = new Set(scores.map((each) => each.label));
  if (!decision.every((label) => labels.has(label))) return false;
  if (kind === "classification") return decision.length === 1;
  return kind === "multilabel" || kind === "regression";
}

/**
 * @param {object} shown what `chooseShown` gave.
 * @param {number|null} ageMs of the newest picture; null where there is none.
 * @returns {"live"|"unusable"|"older"|"none"} how the picture may be shown: as live, as live with
 *     the word that it is not usable, with its age (a folder of pictures is not live), or not at
 *     all, since it would look live.
 */
export function choosePicture(shown, ageMs) {
  if (ageMs === null || isPictureForbidden(shown)) return "none";
  if (GATES_OF_PICTURE.has(shown.gate)) return "unusable";
  if (ageMs <= LIVE_MS) return "live";
  return shown.state === "answered" || GATES_AFTER_PICTURE.has(shown.gate) ? "older" : "none";
}

/** Whether a picture may not even be fetched: there is no link, or it would be an old one. */
export function isPictureForbidden(shown) {
  if (shown.state === "answered" || shown.state === "waiting") return false;
  return shown.state !== "no_result" || GATES_WITHOUT_PICTURE.has(shown.gate);
}
