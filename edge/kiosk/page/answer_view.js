/** An answer, or the lack of one, in words. Pure: values in, descriptions of elements out. */
import { element, icon } from "./element.js";

const MOST_OTHERS = 4;
const MOST_BELOW = 14;
const SUM_TOLERANCE = 0.01;

const ICONS = {
  no_result: "none",
  waiting: "wait",
  connecting: "wait",
  lost: "unplugged",
  denied: "lock"
};

/**
 * @param {object} shown what `chooseShown` gave.
 * @param {object|null} card the ModelCard of the same model, for its thresholds.
 * @param {Language} language
 */
export function describeShown(shown, card, language) {
  if (shown.state !== "answered") return describeNothing(shown, language);
  const { outputs } = shown.answer;
  const described = outputs.map((output) => {
    const thresholds = thresholdsOf(output, shown.answer, card);
    return { name: output.name, ...describeOutput(output, thresholds, language) };
  });
  if (described.length === 1) return [article(null, [...described[0].main, ...described[0].rest])];
  // What was decided must not stand below the rest of another output.
  return [
    ...described.map(({ name, main }) => article(name, main)),
    ...described.filter(({ rest }) => rest.length > 0).map(({ name, rest }) => article(name, rest))
  ];
}

function article(name, parts) {
  const title = name === null ? null : element("h3", { class: "output-name" }, labelled(name));
  return element("article", { class: "output" }, title, parts);
}

function describeNothing({ state, gate, reason }, language) {
  const title = language.text(`state.${state}`);
  const parts = [element("div", { class: "nothing-sign" }, icon(ICONS[state]))];
  if (state === "no_result") {
    const known = language.has(`gate.${gate}`) ? gate : "unknown";
    parts.push(
      element("p", { class: "nothing-title" }, title),
      element("p", { class: "nothing-why" }, language.text(`gate.${known}`)),
      element("p", { class: "nothing-hint" }, language.text(`hint.${known}`))
    );
    if (reason) parts.push(describeReason(reason, language));
  } else {
    parts.push(
      element("p", { class: "nothing-title" }, title),
      element("p", { class: "nothing-hint" }, language.text(`hint.${state}`))
    );
  }
  return [element("div", { class: "nothing" }, parts)];
}

/** The service's own words are English in every language of the page. */
function describeReason(reason, language) {
  const [before, after] = language.text("nothing.reason", { reason: "\n" }).split("\n");
  const words = element("span", { lang: "en", translate: "no" }, reason);
  return element("p", { class: "nothing-reason" }, before, words, after);
}

function thresholdsOf(output, answer, card) {
  if (card === null || card.model?.digest !== answer.model.digest) return {};
  return card.outputs?.find((each) => each.name === output.name)?.thresholds ?? {};
}

function thresholdOf(label, thresholds) {
  return Object.hasOwn(thresholds, label) ? thresholds[label] : null;
}

/** @returns {{main: object[], rest: object[]}} what was decided, and all other labels. */
function describeOutput(output, thresholds, language) {
  if (output.kind === "classification") return describeClass(output, language);
  if (output.kind === "multilabel") return describeFindings(output, thresholds, language);
  return describeValues(output, language);
}

function describeClass(output, language) {
  const isShare = areShares(output.scores) && isWhole(output.scores);
  const format = (score) => (isShare ? language.percent(score) : language.value(score));
  const [decided] = output.decision;
  const chosen = output.scores.find((each) => each.label === decided);
  const others = byScore(output.scores.filter((each) => each !== chosen));
  const main = [
    element("p", { class: "caption" }, language.text("answer.mostLikely")),
    element("p", { class: "verdict" }, labelled(chosen.label)),
    element(
      "p",
      { class: "certainty" },
      element("span", { class: "figure" }, format(chosen.score)),
      element("span", { class: "caption" }, certaintyCaption(isShare, language))
    )
  ];
  if (isShare) main.push(bar(chosen.score, null));
  if (others.length === 0) return { main, rest: [] };
  const rows = others.slice(0, MOST_OTHERS).map((each) => row(each, format(each.score), isShare));
  const rest = [
    element("p", { class: "caption others-title" }, language.text("answer.others")),
    element("ul", { class: "rows" }, rows),
    more(others.length - rows.length, language)
  ];
  return { main, rest };
}

function certaintyCaption(isShare, language) {
  return language.text(isShare ? "answer.certainty" : "answer.score");
}

function describeFindings(output, thresholds, language) {
  const isShare = areShares(output.scores);
  const decided = new Set(output.decision);
  const found = byScore(output.scores.filter((each) => decided.has(each.label)));
  const below = byScore(output.scores.filter((each) => !decided.has(each.label)));
  const format = (score, threshold) => figures(score, threshold, isShare, language);
  const main = [
    ...(found.length === 0 ? noFinding(language) : [foundTitle(found.length, language)]),
    element(
      "ul",
      { class: "findings" },
      found.map((each) => describeFound(each, thresholds, format))
    )
  ];
  return { main, rest: describeBelow(below, thresholds, format, language) };
}

function describeFound({ label, score }, thresholds, format) {
  const threshold = thresholdOf(label, thresholds);
  const { figure, least, isShare } = format(score, threshold);
  return element(
    "li",
    { class: "finding" },
    element("p", { class: "verdict" }, labelled(label)),
    element("p", { class: "certainty" }, element("span", { class: "figure" }, figure), least),
    isShare ? bar(score, threshold) : null
  );
}

function noFinding(language) {
  return [
    element("p", { class: "verdict is-phrase" }, language.text("answer.noFinding")),
    element("p", { class: "nothing-hint" }, language.text("answer.noFindingHint"))
  ];
}

function foundTitle(count, language) {
  const key = count === 1 ? "answer.finding" : "answer.findings";
  return element("p", { class: "caption" }, language.text(key, { n: count }));
}

function describeBelow(below, thresholds, format, language) {
  if (below.length === 0) return [];
  const rows = below.slice(0, MOST_BELOW).map((each) => {
    return row(each, format(each.score, thresholdOf(each.label, thresholds)).figure, false);
  });
  return [
    element("p", { class: "caption others-title" }, language.text("answer.below")),
    element("ul", { class: "rows is-columns" }, rows),
    more(below.length - rows.length, language)
  ];
}

/** A score and its threshold with as many digits as it takes to tell the two apart. */
function figures(score, threshold, isShare, language) {
  const write = (value, digits) => {
    return isShare ? language.percent(value, digits) : language.value(value);
  };
  if (threshold === null) return { figure: write(score, 0), least: null, isShare };
  let digits = 0;
  while (digits < 2 && score !== threshold && write(score, digits) === write(threshold, digits)) {
    digits += 1;
  }
  const least = language.text("answer.threshold", { n: write(threshold, digits) });
  const caption = element("span", { class: "caption" }, least);
  return { figure: write(score, digits), least: caption, isShare };
}

function describeValues(output, language) {
  const unit = typeof output.unit === "string" ? output.unit : "";
  const values = output.scores.map(({ label, score }) =>
    element(
      "li",
      { class: "finding" },
      element("p", { class: "value-label" }, labelled(label)),
      element(
        "p",
        { class: "certainty" },
        element("span", { class: "figure" }, language.value(score)),
        element("span", { class: "unit", translate: "no", dir: "auto" }, unit)
      )
    )
  );
  const title = element("p", { class: "caption" }, language.text("answer.value"));
  return { main: [title, element("ul", { class: "findings" }, values)], rest: [] };
}

/** A model's own words: neither translated nor trusted. */
function labelled(label) {
  return element("span", { class: "label", translate: "no", dir: "auto", lang: "" }, label);
}

function row(each, figure, hasBar) {
  return element(
    "li",
    {},
    labelled(each.label),
    element("span", { class: "row-figure" }, figure),
    hasBar ? bar(each.score, null) : null
  );
}

function bar(share, threshold) {
  const mark =
    threshold === null ? null : element("span", { class: "bar-threshold", share: threshold });
  const fill = element("span", { class: "bar-fill", share });
  return element("span", { class: "bar", "aria-hidden": "true" }, fill, mark);
}

function more(count, language) {
  if (count <= 0) return null;
  return element("p", { class: "caption" }, language.text("answer.more", { n: count }));
}

function byScore(scores) {
  return scores.toSorted((one, other) => other.score - one.score);
}

function areShares(scores) {
  return scores.every(({ score }) => score >= 0 && score <= 1);
}

function isWhole(scores) {
  const sum = scores.reduce((total, { score }) => total + score, 0);
  return Math.abs(sum - 1) < SUM_TOLERANCE;
}

/** One sentence for a screen reader; the same sentence for as long as nothing important changes. */
export function announceShown(shown, language) {
  if (shown.state === "no_result") {
    const known = language.has(`gate.${shown.gate}`) ? shown.gate : "unknown";
    return `${language.text("state.no_result")}. ${language.text(`gate.${known}`)}`;
  }
  if (shown.state !== "answered") return language.text(`state.${shown.state}`);
  return shown.answer.outputs.map((output) => announceOutput(output, language)).join(". ");
}

function announceOutput(output, language) {
  if (output.kind === "classification") {
    return `${language.text("answer.mostLikely")}: ${output.decision[0]}`;
  }
  if (output.kind === "regression") {
    const values = output.scores.map((each) => `${each.label} ${language.value(each.score)}`);
    return `${values.join(", ")} ${output.unit ?? ""}`.trim();
  }
  if (output.decision.length === 0) return language.text("answer.noFinding");
  const key = output.decision.length === 1 ? "answer.finding" : "answer.findings";
  const title = language.text(key, { n: output.decision.length });
  return `${title}: ${output.decision.join(", ")}`;
}
