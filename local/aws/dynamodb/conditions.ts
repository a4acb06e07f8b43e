/**
 * Expressions as dynalite parses them: a document path is an array, a value is `{ S: "…" }`.
 */
export type Expression =
  | readonly (string | number)[]
  | {
      readonly type?: string;
      readonly name?: string;
      readonly args?: readonly Expression[];
    };

const comparators = ["=", "<", "<=", ">", ">="];

/**
 * Rewrites a condition or filter so that dynalite evaluates it as DynamoDB does:
 *
 * - A comparison of two attributes is false when they are missing; dynalite says that both are equal.
 * - `IN` and `BETWEEN` apply to an empty string and to `false` too, and are false, not an internal
 *   error, when an attribute after them is missing.
 *
 * <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html>
 */
export function asEvaluatedByDynamoDb(expression: Expression): Expression {
  if (!("type" in expression) || expression.args === undefined) return expression;
  const { type, args } = expression;
  const [first, ...others] = args;
  if (first === undefined) return expression;
  if (type === "in") {
    return others
      .map((other) => asEvaluatedByDynamoDb({ type: "=", args: [first, other] }))
      .reduce((left, right) => ({ type: "or", args: [left, right] }));
  }
  if (type === "between") {
    const [from = first, to = first] = others;
    const bounds = [
      { type: ">=", args: [first, from] },
      { type: "<=", args: [first, to] },
    ];
    return { type: "and", args: bounds.map(asEvaluatedByDynamoDb) };
  }
  if (type === "and" || type === "or" || type === "not") {
    return { ...expression, args: args.map(asEvaluatedByDynamoDb) };
  }
  const path = pathOf(first);
  if (!comparators.includes(type ?? "") || path === undefined) return expression;
  // Then a second operand that is missing has another type than the first, which is false.
  const exists = { type: "function", name: "attribute_exists", args: [path] };
  return { type: "and", args: [exists, expression] };
}

/** The path of an attribute, or of the attribute whose size is meant. */
function pathOf(operand: Expression): Expression | undefined {
  if (Array.isArray(operand)) return operand;
  return "args" in operand ? operand.args?.[0] : undefined;
}
