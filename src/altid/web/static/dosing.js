// From the fields of a dose to FHIR `dosageInstruction`, as docs/orders.md has its schedules. What a field does
// not hold is left out: the server says what is missing, by name.

const UCUM = "http://unitsofmeasure.org";
const SNOMED = "http://snomed.info/sct";
const ROUNDS = { morning: "MORN", noon: "NOON", evening: "EVE", night: "NIGHT" };
const DAY = { period: 1, periodUnit: "d" };

/** A number as a Dane types it: `2,5`. NaN for anything else: a dose is never guessed. */
export function number(typed) {
  const text = typed.trim().replace(",", ".");
  return /^\d{1,7}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
}

/** `fields`: the values of the form by name; `unit`: {code, word}. */
export function instructions(fields, unit) {
  const quantity = (typed) => ({ value: number(typed), unit: unit.word, system: UCUM, code: unit.code });
  const lines = SCHEDULES[fields.schedule](fields, quantity, unit);
  const route = fields.route ? { coding: [{ system: SNOMED, code: fields.route }], text: fields["route-word"] } : null;
  const bounds = Object.fromEntries(["start", "end"].filter((name) => fields[name]).map((name) => [name, fields[name]]));
  return lines.map(({ repeat = {}, ...line }) => {
    const when = { ...(Object.keys(bounds).length ? { boundsPeriod: bounds } : {}), ...repeat };
    const isContinuous = Boolean(line.doseAndRate?.[0].rateQuantity);
    return {
      ...line,
      ...(isContinuous || !Object.keys(when).length ? {} : { timing: { repeat: when } }),
      ...(route ? { route } : {}),
    };
  });
}

const given = (quantity) => ({ doseAndRate: [{ doseQuantity: quantity }] });

const SCHEDULES = {
  // A line for each amount: 1000 mg in the morning and 500 mg in the evening are two.
  rounds(fields, quantity) {
    const amounts = new Map();
    for (const [name, code] of Object.entries(ROUNDS)) {
      const typed = (fields[name] ?? "").trim().replace(",", ".");
      if (typed) amounts.set(typed, [...(amounts.get(typed) ?? []), code]);
    }
    return [...amounts].map(([typed, when]) => ({
      ...given(quantity(typed)),
      repeat: { frequency: when.length, ...DAY, when },
    }));
  },
  times: (fields, quantity) => [
    { ...given(quantity(fields.amount)), repeat: { frequency: number(fields.times), ...DAY } },
  ],
  every: (fields, quantity) => [
    { ...given(quantity(fields.amount)), repeat: { frequency: 1, period: number(fields.hours), periodUnit: "h" } },
  ],
  clock(fields, quantity) {
    const timeOfDay = (fields.clock.match(/\d{1,2}[:.]\d{2}/g) ?? []).map(
      (time) => `${time.replace(".", ":").padStart(5, "0")}:00`,
    );
    return [{ ...given(quantity(fields.amount)), repeat: { frequency: timeOfDay.length, ...DAY, timeOfDay } }];
  },
  weekly: (fields, quantity) => [
    { ...given(quantity(fields.amount)), repeat: { frequency: 1, period: 1, periodUnit: "wk", dayOfWeek: [fields.weekday] } },
  ],
  needed(fields, quantity) {
    const reason = fields["needed-for"].trim();
    return [
      {
        ...given(quantity(fields.amount)),
        ...(reason ? { asNeededCodeableConcept: { text: reason } } : { asNeededBoolean: true }),
        maxDosePerPeriod: {
          numerator: quantity(fields.most),
          denominator: { value: 1, unit: "d", system: UCUM, code: "d" },
        },
      },
    ];
  },
  once: (fields, quantity) => [{ ...given(quantity(fields.amount)), repeat: { count: 1 } }],
  continuous: (fields, quantity, unit) => [
    {
      doseAndRate: [
        { rateQuantity: { ...quantity(fields.amount), unit: `${unit.word}/h`, code: `${unit.code}/h` } },
      ],
    },
  ],
};

/** The names of the numbers that a schedule asks for and that are not numbers yet. */
export function unreadable(fields) {
  const asked = {
    rounds: Object.keys(ROUNDS).filter((name) => fields[name]?.trim()),
    times: ["amount", "times"],
    every: ["amount", "hours"],
    needed: ["amount", "most"],
  }[fields.schedule] ?? ["amount"];
  if (!asked.length) return ["morning"];
  return asked.filter((name) => Number.isNaN(number(fields[name] ?? "")));
}
