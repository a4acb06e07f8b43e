import { parseJson } from "../../../shared/core/json/json.ts";
import { validationError } from "../protocol.ts";

/**
 * A target's input transformation. Without any of these members the target gets
 * the whole event.
 */
export interface TargetInput {
  Input?: string | undefined;
  InputPath?: string | undefined;
  InputTransformer?:
    | { InputPathsMap?: Record<string, string> | undefined; InputTemplate: string | undefined }
    | undefined;
}

/** An event as its exact bytes, and parsed. */
export interface EventText {
  json: string;
  detailJson: string;
  parsed: Record<string, unknown>;
  /** Business time at which the bus received it. */
  receivedMs: number;
}

/** The target of a rule, as far as its input depends on it. */
interface InputTarget extends TargetInput {
  Id?: string | undefined;
  Arn?: string | undefined;
  SqsParameters?: { MessageGroupId?: string | undefined } | undefined;
}

/**
 * Returns the bytes that a target receives. The event and its detail are passed on
 * unchanged, and each number of a value keeps its digits.
 */
export function inputFor(
  target: TargetInput,
  event: EventText,
  rule: { name: string; arn: string },
): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) return valueAt(event, target.InputPath) ?? "null";
  const template = target.InputTransformer?.InputTemplate;
  if (template === undefined) return event.json;
  const paths = target.InputTransformer?.InputPathsMap ?? {};
  return transformed(template, (name) => {
    const own = reserved(event, rule)[name];
    if (own !== undefined) return own;
    const path = paths[name];
    return path === undefined ? undefined : (valueAt(event, path) ?? "");
  });
}

/**
 * Checks the input of a target and the parameters that its kind needs.
 *
 * @throws ValidationException for a target with several inputs, an invalid path, an
 *   `Input` that is not JSON, a reserved name
 *   in the map, or a FIFO queue without a message group
 */
export function assertInput(target: InputTarget): void {
  const { Id, Arn = "", Input, InputPath, InputTransformer, SqsParameters } = target;
  const given = [Input, InputPath, InputTransformer].filter((each) => each !== undefined);
  if (given.length > 1) {
    throw validationError("Only one of Input, InputPath, or InputTransformer must be provided.");
  }
  if (Input !== undefined && !isJson(Input)) {
    throw validationError(`JSON syntax error in input for target ${Id}.`);
  }
  const variables = InputTransformer?.InputPathsMap ?? {};
  for (const name of Object.keys(variables)) {
    if (/^aws\./i.test(name) || !/^[A-Za-z0-9_-]+$/.test(name)) {
      throw validationError(`Invalid InputPathsMap for target ${Id}: the name ${name}.`);
    }
  }
  for (const path of [InputPath ?? "$", ...Object.values(variables)]) {
    if (!/^\$(\.[^.[\]]+|\[\d+\])*$/.test(path)) throw validationError(`Invalid path ${path}.`);
  }
  if (Arn.startsWith("arn:aws:sqs:") && Arn.endsWith(".fifo") && !SqsParameters?.MessageGroupId) {
    throw validationError(
      `Parameter(s) SqsParameters.MessageGroupId must be specified for target: ${Id}.`,
    );
  }
}

/**
 * The variables that EventBridge defines itself, as JSON:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html#eb-transform-input-predefined
 */
function reserved(
  event: EventText,
  rule: { name: string; arn: string },
): Readonly<Record<string, string>> {
  return {
    "aws.events.rule-arn": JSON.stringify(rule.arn),
    "aws.events.rule-name": JSON.stringify(rule.name),
    "aws.events.event.ingestion-time": JSON.stringify(new Date(event.receivedMs).toISOString()),
    // The event without its detail, and with it.
    "aws.events.event": JSON.stringify({ ...event.parsed, detail: undefined }),
    "aws.events.event.json": event.json,
  };
}

function valueAt(event: EventText, path: string): string | undefined {
  if (path === "$") return event.json;
  if (path === "$.detail") return event.detailJson;
  let { value } = parseJson(Buffer.from(event.json), "exact", Number.POSITIVE_INFINITY);
  for (const [, field, index] of path.matchAll(/\.([^.[\]]+)|\[(\d+)\]/g)) {
    if (typeof value !== "object" || value === null || JSON.isRawJSON(value)) return undefined;
    value = (value as Record<string, unknown>)[field ?? String(index)];
  }
  return value === undefined ? undefined : JSON.stringify(value);
}

/**
 * Replaces `<name>` in a template, as EventBridge does for JSON templates:
 * between quotes by the plain text of a string, elsewhere by JSON.
 *
 * @param jsonOf returns the JSON of a variable, nothing for a path that the event
 *   does not have, and undefined for an unknown name, which stays as it is
 */
function transformed(template: string, jsonOf: (name: string) => string | undefined): string {
  let isQuoted = false;
  return template.replace(/\\.|"|<([A-Za-z0-9_.-]+)>/gs, (found, name: string | undefined) => {
    if (found === '"') isQuoted = !isQuoted;
    if (name === undefined) return found;
    const json = jsonOf(name);
    if (json === undefined) return found;
    if (json === "") return isQuoted ? "" : '""';
    return isQuoted && json.startsWith('"') ? json.slice(1, -1) : json;
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
