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
}

/** Returns the bytes that a target receives. The event and its detail are passed on unchanged. */
export function inputFor(target: TargetInput, event: EventText): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) return valueAt(event, target.InputPath) ?? "null";
  const template = target.InputTransformer?.InputTemplate;
  return template === undefined
    ? event.json
    : transformed(template, target.InputTransformer?.InputPathsMap ?? {}, event);
}

/** @throws ValidationException for a target with several inputs, or with an invalid path */
export function assertInput(target: TargetInput): void {
  const { Input, InputPath, InputTransformer } = target;
  const given = [Input, InputPath, InputTransformer].filter((each) => each !== undefined);
  if (given.length > 1) {
    throw validationError("Only one of Input, InputPath, or InputTransformer must be provided.");
  }
  const paths = [InputPath ?? "$", ...Object.values(InputTransformer?.InputPathsMap ?? {})];
  for (const path of paths) {
    if (!/^\$(\.[^.[\]]+|\[\d+\])*$/.test(path)) throw validationError(`Invalid path ${path}.`);
  }
}

function valueAt(event: EventText, path: string): string | undefined {
  if (path === "$") return event.json;
  if (path === "$.detail") return event.detailJson;
  let value: unknown = event.parsed;
  for (const [, field, index] of path.matchAll(/\.([^.[\]]+)|\[(\d+)\]/g)) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[field ?? String(index)];
  }
  return value === undefined ? undefined : JSON.stringify(value);
}

/**
 * Replaces `<name>` in a template, as EventBridge does for JSON templates:
 * between quotes by the plain text of a string, elsewhere by JSON.
 */
function transformed(template: string, paths: Record<string, string>, event: EventText): string {
  let isQuoted = false;
  return template.replace(/\\.|"|<([A-Za-z0-9_.-]+)>/gs, (found, name: string | undefined) => {
    if (found === '"') isQuoted = !isQuoted;
    if (name === undefined) return found;
    if (name === "aws.events.event") return event.json;
    if (name === "aws.events.event.json") return event.json;
    const path = paths[name];
    if (path === undefined) return found;
    const json = valueAt(event, path);
    if (json === undefined) return isQuoted ? "" : '""';
    return isQuoted && json.startsWith('"') ? json.slice(1, -1) : json;
  });
}
