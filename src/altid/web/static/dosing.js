// From the fields of a dose form to FHIR `dosageInstruction`, as docs/orders.md has its schedules. A form has steps,
// one after the other (tapering); a step has lines that hold at the same time; a line has one schedule, or an amount
// for each time of the day. All values are as they were typed.

const UCUM = "http://unitsofmeasure.org";
const ROUNDS = { morning: "MORN", noon: "NOON", evening: "EVE", night: "NIGHT" };
const DAY = { period: 1, periodUnit: "d" };
const MINUTES_MAX = 240; // before or after a meal, as the server takes it

// A point before three digits parts thousands for a Dane, and decimals for others: `1.000` is a thousand, or one.
const AMBIGUOUS = /^[1-9]\d{0,2}\.\d{3}$/;

/** A number as a Dane types it: `2,5`. NaN for anything else: a dose is never guessed. */
export function number(typed) {
  const written = (typed ?? "").trim();
  if (AMBIGUOUS.test(written)) return NaN;
  const text = written.replace(",", ".");
  return /^\d{1,7}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
}

/** A whole number of at least one, NaN for anything else. */
export function whole(typed) {
  return /^[1-9]\d{0,3}$/.test((typed ?? "").trim()) ? Number(typed) : NaN;
}

/** Times as they are typed (`6 14.30 22:00`), as `HH:MM`; null where one of them is no time, or stands twice. */
export function clocks(typed) {
  const words = typed.trim().split(/[\s,;]+/).filter((word) => word && word !== "og");
  const times = words.map((word) => /^([01]?\d|2[0-4])(?:[:.]?([0-5]\d))?$/.exec(word));
  if (!times.length || times.includes(null)) return null;
  const said = times.map(([, hour, minute]) => `${String(hour % 24).padStart(2, "0")}:${minute ?? "00"}`);
  return new Set(said).size === said.length ? said : null;
}

/** What the form orders: {dosageInstruction, validity}; `validity` ({start, end}) where the lines can't say it. */
export function dosing(form) {
  const { steps, kept = {}, route } = form;
  const isCounted = steps.length > 1 || Boolean(steps[0].days);
  const beside = { ...kept, ...(route ? { route } : {}) };
  const dosageInstruction = steps.flatMap((step, place) =>
    step.lines.flatMap((line) => SCHEDULES[line.schedule](line, form)).map(({ repeat = {}, ...dose }) => {
      const times = { ...boundsOf(step, form, isCounted, place === steps.length - 1), ...repeat };
      return {
        ...(steps.length > 1 ? { sequence: place + 1 } : {}),
        ...dose,
        ...(Object.keys(times).length ? { timing: { repeat: times } } : {}),
        ...beside,
      };
    }),
  );
  const validity = isCounted ? said({ start: exactly(form, "start"), end: exactly(form, "end") }) : null;
  return { dosageInstruction, validity };
}

function boundsOf({ days }, form, isCounted, isLast) {
  if (days) return { boundsDuration: { value: whole(days), unit: "dage", system: UCUM, code: "d" } };
  if (isCounted && !isLast) return {};
  const bounds = said({ start: isCounted ? "" : exactly(form, "start"), end: exactly(form, "end") });
  return Object.keys(bounds).length ? { boundsPeriod: bounds } : {};
}

// A day that was not touched keeps the moment that the order has.
function exactly({ exact = {}, ...form }, name) {
  return form[name] && exact[name]?.startsWith(form[name]) ? exact[name] : form[name];
}

const said = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value));

const quantity = (typed, code, unit) => ({ value: number(typed), unit, system: UCUM, code });
const amountOf = (typed, { unit, word }) => quantity(typed, unit, word || unit);

function dose(line, typed = line.amount) {
  const amount = line.schedule === "needed" && line.to?.trim()
    ? { doseRange: { low: amountOf(typed, line), high: amountOf(line.to, line) } }
    : { doseQuantity: amountOf(typed, line) };
  const unit = line["rate-unit"];
  const rate = line.rate?.trim() ? { rateQuantity: quantity(line.rate, `${unit}/h`, `${unit}/time`) } : {};
  return { doseAndRate: [{ ...amount, ...rate }] };
}

const SCHEDULES = {
  // A line for each amount: 1000 mg in the morning and 500 mg in the evening are two.
  rounds(line) {
    const amounts = new Map();
    for (const [name, code] of Object.entries(ROUNDS)) {
      const value = number(line[name]);
      if (value) amounts.set(value, [...(amounts.get(value) ?? []), code]);
    }
    return [...amounts].map(([value, when]) => ({
      ...dose(line, String(value).replace(".", ",")),
      repeat: { frequency: when.length, ...DAY, when },
    }));
  },
  times: (line) => [{ ...dose(line), repeat: { frequency: whole(line.times), ...DAY } }],
  every: (line) => [
    {
      ...dose(line),
      repeat: { frequency: whole(line.count || "1"), period: whole(line.period), periodUnit: line["period-unit"] },
    },
  ],
  clock(line) {
    const timeOfDay = (clocks(line.clock) ?? []).map((time) => `${time}:00`);
    return [{ ...dose(line), repeat: { frequency: timeOfDay.length, ...DAY, timeOfDay } }];
  },
  meals(line) {
    const named = line.meals.map((meal) => `${line.relation}${meal}`);
    const frequency = named.length || whole(line.times);
    const offset = line.relation === "C" ? NaN : whole(line.minutes);
    const when = named.length ? named : [line.relation];
    return [{ ...dose(line), repeat: { frequency, ...DAY, when, ...(offset ? { offset } : {}) } }];
  },
  weekly(line) {
    const { weekdays } = line;
    return [{ ...dose(line), repeat: { frequency: weekdays.length, period: 1, periodUnit: "wk", dayOfWeek: weekdays } }];
  },
  needed(line, { reasons = {} }) {
    const reason = line["needed-for"].trim();
    const unit = line["most-unit"] ? { unit: line["most-unit"], word: line["most-word"] } : line;
    return [
      {
        ...dose(line),
        ...(reason ? { asNeededCodeableConcept: reasons[reason] ?? { text: reason } } : { asNeededBoolean: true }),
        maxDosePerPeriod: { numerator: amountOf(line.most, unit), denominator: quantity("1", "d", "døgn") },
        repeat: asked(line),
      },
    ];
  },
  once: (line) => [{ ...dose(line), repeat: { count: 1 } }],
  continuous: (line) => [
    { doseAndRate: [{ rateQuantity: quantity(line.amount, `${line.unit}/h`, `${line.word || line.unit}/time`) }] },
  ],
};

// When, or how often at most, something may be asked for.
function asked({ rounds, doses }) {
  if (rounds.length) return { frequency: rounds.length, ...DAY, when: rounds };
  return doses.trim() ? { frequency: 1, frequencyMax: whole(doses), ...DAY } : {};
}

/** What can't be ordered as it stands: [{step, line, name, why}], `step` null for a field of the whole form. */
export function faults(form) {
  const last = form.steps.length - 1;
  const found = form.steps.flatMap((step, place) => [
    ...step.lines.flatMap((line, number_) => faultsOf(line).map((fault) => ({ step: place, line: number_, ...fault }))),
    ...(place < last || step.days.trim() ? wrong({ days: whole(step.days) }, "days") : []).map((fault) => ({ step: place, ...fault })),
  ]);
  const ending = form.steps[last];
  const ends = form.end || form.review || ending.days || ending.lines.every(({ schedule }) => schedule === "once");
  const missing = [form.route ? null : "route", form.start ? null : "start", ends ? null : "end"].filter(Boolean);
  return [...found, ...missing.map((name) => ({ step: null, name, why: name === "end" ? "end" : "missing" }))];
}

function faultsOf(line) {
  const { schedule } = line;
  if (schedule === "rounds") {
    const typed = Object.keys(ROUNDS).filter((name) => line[name]?.trim());
    const numbers = Object.fromEntries(typed.map((name) => [name, number(line[name])]));
    const isNothing = Object.values(numbers).every((value) => value === 0);
    return [...wrong(numbers, "number"), ...(isNothing ? [{ name: "morning", why: "number" }] : []), ...rateOf(line)];
  }
  const isRange = schedule === "needed" && line.to.trim();
  return [
    ...wrong({ amount: number(line.amount) || NaN }, "number"),
    ...(isRange && !(number(line.to) > number(line.amount)) ? [{ name: "to", why: "range" }] : []),
    ...(ASKED[schedule]?.(line) ?? []),
    ...rateOf(line),
  ];
}

const wrong = (numbers, why) =>
  Object.entries(numbers).filter(([, value]) => Number.isNaN(value)).map(([name]) => ({ name, why }));

function rateOf(line) {
  const isAsked = line.schedule !== "continuous" && line.rate?.trim();
  return isAsked ? wrong({ rate: number(line.rate) || NaN }, "number") : [];
}

const ASKED = {
  times: (line) => wrong({ times: whole(line.times) }, "whole"),
  every: (line) => wrong({ count: whole(line.count || "1"), period: whole(line.period) }, "whole"),
  clock: (line) => (clocks(line.clock) ? [] : [{ name: "clock", why: "clock" }]),
  meals(line) {
    const minutes = line.relation !== "C" && line.minutes.trim() ? whole(line.minutes) : 0;
    return [
      ...(line.meals.length ? [] : wrong({ times: whole(line.times) }, "meals")),
      ...(minutes <= MINUTES_MAX ? [] : [{ name: "minutes", why: "minutes" }]),
    ];
  },
  weekly: (line) => (line.weekdays.length ? [] : [{ name: "weekdays", why: "weekdays" }]),
  needed: (line) => [
    ...wrong({ most: number(line.most) || NaN }, "number"),
    ...(line.doses.trim() && !line.rounds.length ? wrong({ doses: whole(line.doses) }, "whole") : []),
  ],
};
