import { compileOperator, type Fields, InvalidEventPattern, isFields } from "./event-operators.ts";

export { InvalidEventPattern };

/** Returns whether an event (parsed JSON) matches. */
export type EventMatcher = (event: unknown) => boolean;

/**
 * Compiles an EventBridge event pattern, as documented at
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html,
 * except that exact numbers compare by value (EventBridge compares their text).
 *
 * @throws InvalidEventPattern that names the position and the reason
 */
export function compileEventPattern(json: string): EventMatcher {
  let pattern: unknown;
  try {
    pattern = JSON.parse(json);
  } catch {
    throw new InvalidEventPattern("it is not valid JSON");
  }
  if (!isFields(pattern)) throw new InvalidEventPattern("it is not a JSON object");
  return compileFields(pattern, "$");
}

function compileFields(pattern: Fields, path: string): EventMatcher {
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw new InvalidEventPattern(`${path} is an empty object`);
  const matchers = entries.map(([name, value]): EventMatcher => {
    if (name === "$or") return compileOr(value, `${path}.$or`);
    const matches = compileValue(value, `${path}.${name}`);
    return (event) => matches(isFields(event) ? event[name] : undefined);
  });
  const matchesAll: EventMatcher = (event) => matchers.every((matches) => matches(event));
  // In an array of objects, a single element must match all fields.
  return (event) => {
    if (!Array.isArray(event)) return matchesAll(event);
    const elements: unknown[] = event.flat(Infinity);
    return elements.length === 0 ? matchesAll(undefined) : elements.some(matchesAll);
  };
}

function compileOr(value: unknown, path: string): EventMatcher {
  if (!Array.isArray(value) || value.length < 2 || !value.every(isFields)) {
    throw new InvalidEventPattern(`${path} must be an array of at least two objects`);
  }
  const alternatives = value.map((pattern, index) => compileFields(pattern, `${path}[${index}]`));
  return (event) => alternatives.some((matches) => matches(event));
}

function compileValue(value: unknown, path: string): EventMatcher {
  if (isFields(value)) return compileFields(value, path);
  if (!Array.isArray(value)) {
    throw new InvalidEventPattern(`${path} must be an object or an array`);
  }
  if (value.length === 0) throw new InvalidEventPattern(`${path} is an empty array`);
  const absence = value.map((operator) => isFields(operator) && operator.exists === false);
  const matchers = value.map((operator) => compileOperator(operator, path));
  const allowsAbsence = absence.includes(true);
  return (event) => {
    const leaves = leavesOf(event);
    if (leaves.length === 0) return allowsAbsence;
    return leaves.some((leaf) => matchers.some((matches) => matches(leaf)));
  };
}

/** Returns the scalar values: an object or an empty array has none. */
function leavesOf(value: unknown): unknown[] {
  const values = Array.isArray(value) ? value.flat(Infinity) : [value];
  return values.filter((leaf) => leaf !== undefined && (leaf === null || typeof leaf !== "object"));
}
