import { invalid } from "./table.ts";

/** The expressions of a command, in the order in which DynamoDB reads them. */
const kinds = [
  "UpdateExpression",
  "ConditionExpression",
  "KeyConditionExpression",
  "FilterExpression",
  "ProjectionExpression",
] as const;

type ExpressionKind = (typeof kinds)[number];

/** The expressions of a command, and what their placeholders stand for. */
type Expressions = Partial<Record<ExpressionKind, string>> & {
  ExpressionAttributeNames?: Readonly<Record<string, string>>;
  ExpressionAttributeValues?: Readonly<Record<string, unknown>>;
};

const NO_NAME =
  "An expression attribute name used in the document path is not defined; attribute name";
const NO_VALUE = "An expression attribute value used in expression is not defined; attribute value";

const PLACEHOLDER = /[#:][A-Za-z0-9_]+/g;

/** By text: the same few are read again and again. */
const known = new Map<string, ReadonlySet<string>>();

function placeholdersIn(text: string): ReadonlySet<string> {
  let found = known.get(text);
  if (!found) {
    found = new Set(text.match(PLACEHOLDER));
    known.set(text, found);
  }
  return found;
}

/**
 * Refuses placeholders as DynamoDB does, in its words: those that an expression uses and that
 * stand for nothing, and those that are given and that no expression uses.
 *
 * @param of the expressions that the command can have, in the order in which a refusal names them
 * @throws ValidationException
 */
export function assertPlaceholders(input: Expressions, of: readonly ExpressionKind[]): void {
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
  assertExpressions(input, of);
  assertSome("ExpressionAttributeNames", names);
  assertSome("ExpressionAttributeValues", values);
  const used = new Set<string>();
  for (const kind of kinds) {
    for (const placeholder of placeholdersIn(input[kind] ?? "")) {
      const isName = placeholder.startsWith("#");
      const given = isName ? names : values;
      if (given?.[placeholder] === undefined) {
        throw invalid(`Invalid ${kind}: ${isName ? NO_NAME : NO_VALUE}: ${placeholder}`);
      }
      used.add(placeholder);
    }
  }
  assertUsed("ExpressionAttributeNames", names, used);
  assertUsed("ExpressionAttributeValues", values, used);
}

/** @throws ValidationException for placeholders of a command without expressions */
function assertExpressions(input: Expressions, of: readonly ExpressionKind[]): void {
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
  const isAbsent = (kind: ExpressionKind) => input[kind] === undefined;
  if (names && of.every(isAbsent)) {
    throw invalid("ExpressionAttributeNames can only be specified when using expressions");
  }
  const withValues = of.filter((kind) => kind !== "ProjectionExpression");
  if (values && withValues.length > 0 && withValues.every(isAbsent)) {
    throw invalid(
      "ExpressionAttributeValues can only be specified when using expressions: " +
        `${withValues.join(" and ")} ${withValues.length > 1 ? "are" : "is"} null`,
    );
  }
}

/** @throws ValidationException */
function assertSome(what: string, given: object | undefined): void {
  if (given && Object.keys(given).length === 0) throw invalid(`${what} must not be empty`);
}

/** @throws ValidationException */
function assertUsed(what: string, given: object | undefined, used: ReadonlySet<string>): void {
  const unused = Object.keys(given ?? {}).filter((placeholder) => !used.has(placeholder));
  if (unused.length === 0) return;
  throw invalid(`Value provided in ${what} unused in expressions: keys: {${unused.join(", ")}}`);
}
