import { type Operation, routeKeyOf } from "../../contracts/http/operations.ts";
import { type ProviderId, providerPacks } from "../../contracts/providers.ts";
import { editsBetween } from "../input/closest.ts";
import type { ApiOutcome } from "./api-call.ts";
import type { Headers } from "./authentication/authenticate.ts";

/** Where a call leads that API Gateway has matched with no route of an operation. */
export type FoundRoute<Of extends Operation = Operation> =
  | { kind: "operation"; operation: Of; params: Readonly<Record<string, string>> }
  | {
      kind: "none";
      /** The methods that the path has; empty where there is no such path. */
      allow: readonly string[];
      /** The operation that the caller may have meant, such as `POST /v1/requests`. */
      suggestion?: string | undefined;
      /** The provider whose protocol the call speaks. */
      dialect?: ProviderId | undefined;
    };

export type NoRoute = Extract<FoundRoute, { kind: "none" }>;

interface Template<Of extends Operation = Operation> {
  operation: Of;
  segments: readonly string[];
}

/**
 * Makes the function that finds the operation of a call by its method and path. Repeated slashes
 * count as one: a client whose base URL ends with a slash sends `//workflows`. A slash at the end
 * belongs to no path.
 */
export function makeFindRoute<Of extends Operation>(operations: readonly Of[]) {
  const templates: readonly Template<Of>[] = operations.map((operation) => ({
    operation,
    segments: operation.path.split("/").slice(1),
  }));

  return (call: { method: string; path: string; headers: Headers }): FoundRoute<Of> => {
    const segments = call.path
      .replaceAll(/\/{2,}/g, "/")
      .split("/")
      .slice(1);
    const matching = templates.filter((template) => matches(template.segments, segments));
    const found = mostSpecific(
      matching.filter(({ operation }) => operation.method === call.method),
    );
    if (found) return { kind: "operation", ...found, params: paramsOf(found.segments, segments) };
    const known = matching.length > 0 ? matching : nearest(templates, segments);
    return {
      kind: "none",
      allow: methodsOf(matching),
      suggestion: suggestionOf(known, call.method),
      dialect: dialectOf(templates, segments, call.headers),
    };
  };
}

function matches(template: readonly string[], segments: readonly string[]): boolean {
  return (
    template.length === segments.length &&
    template.every((part, n) => (isVariable(part) ? segments[n] !== "" : part === segments[n]))
  );
}

const isVariable = (part: string) => part.startsWith("{");

/** The methods of the path that is meant: `/deliveries/recover` is not one of `/deliveries/{id}`. */
function methodsOf(matching: readonly Template[]): string[] {
  const path = mostSpecific(matching)?.operation.path;
  const meant = matching.filter(({ operation }) => operation.path === path);
  return meant.map(({ operation }) => operation.method).sort();
}

/** API Gateway prefers literal segments, from left to right. */
function mostSpecific<Of extends Operation>(
  found: readonly Template<Of>[],
): Template<Of> | undefined {
  const rank = ({ segments }: Template<Of>) =>
    segments.map((part) => Number(isVariable(part))).join("");
  return found.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))[0];
}

function paramsOf(template: readonly string[], segments: readonly string[]) {
  const pairs = template.flatMap((part, n) =>
    isVariable(part) ? [[part.slice(1, -1), segments[n] ?? ""]] : [],
  );
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** A path of a few edits more than this has nothing in common with the one that was called. */
const MAX_EDITS = 4;

/** The operations whose path is most like the one that was called. */
function nearest(templates: readonly Template[], segments: readonly string[]): readonly Template[] {
  const called = segments.join("/").replace(/\/$/, "");
  const ranked = templates.map((template) => ({ template, edits: editsTo(template, called) }));
  const fewest = Math.min(...ranked.map(({ edits }) => edits));
  if (fewest > MAX_EDITS) return [];
  return ranked.filter(({ edits }) => edits === fewest).map(({ template }) => template);
}

/** Edits from the called path to the template's; a variable is whatever was called in its place. */
function editsTo({ segments }: Template, called: string): number {
  const parts = called.split("/");
  const path = segments.map((part, n) => (isVariable(part) ? (parts[n] ?? part) : part)).join("/");
  return editsBetween(path, called);
}

function suggestionOf(known: readonly Template[], method: string): string | undefined {
  const best = mostSpecific(known.filter(({ operation }) => operation.method === method));
  const { operation } = best ?? mostSpecific(known) ?? {};
  return operation && routeKeyOf(operation);
}

/** By the first segment of the path, which no two protocols share, else by the credentials. */
function dialectOf(
  templates: readonly Template[],
  segments: readonly string[],
  headers: Headers,
): ProviderId | undefined {
  const sharing = templates.find((template) => template.segments[0] === segments[0]);
  if (sharing) return sharing.operation.dialect;
  return Object.values(providerPacks).find(({ dialect }) =>
    dialect?.credentials.some(({ header }) => headers[header] !== undefined),
  )?.id;
}

/** The path is not in the texts: it may be an inbound URL, which contains a secret. */
export function noSuchOperation({ allow, suggestion, dialect }: NoRoute): ApiOutcome {
  const route = { allow, suggestion };
  if (allow.length > 0) {
    const detail = `this path has ${allow.join(" and ")} only`;
    return { kind: "refused", code: "METHOD_NOT_ALLOWED", detail, dialect, route };
  }
  const hint = suggestion === undefined ? "" : `: did you mean ${suggestion}?`;
  const detail = `there is no such operation${hint}`;
  return { kind: "refused", code: "NOT_FOUND", detail, dialect, route };
}
