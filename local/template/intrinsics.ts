import { ACCOUNT_ID, physicalName, REGION, refOf } from "../physical-name.ts";
import type { TemplateDocument } from "./assembly.ts";
import { attributeOf, type Referenced } from "./attributes.ts";
import type { Resource } from "./resource.ts";

export interface Resolver {
  resources(): Resource[];
  outputs(): Record<string, string>;
}

const NO_VALUE = Symbol("AWS::NoValue");

/**
 * Resolves the intrinsic functions of one template. A resource whose condition is
 * false does not exist, and a reference to it cannot be resolved.
 */
export function makeResolver(context: {
  document: TemplateDocument;
  stackName: string;
  awsUrl: string;
  apiUrl: string;
}): Resolver {
  const { document, stackName, awsUrl, apiUrl } = context;
  const pseudoParameters: Record<string, unknown> = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::NoValue": NO_VALUE,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${stackName}/local`,
    "AWS::StackName": stackName,
    "AWS::URLSuffix": "amazonaws.com",
  };

  const exists = (condition: string | undefined, path: string) =>
    condition === undefined || isTrue({ Condition: condition }, path);

  function referenced(logicalId: string, path: string): Referenced {
    const resource = document.Resources[logicalId];
    if (!resource) fail(path, `refers to "${logicalId}", which is not in the template`);
    if (!exists(resource.Condition, path)) {
      fail(path, `refers to "${logicalId}", whose condition ${resource.Condition} is false`);
    }
    // Lazily: only the properties that determine the name are resolved, because others may refer
    // back to this resource.
    const properties = withLazyProperties(resource.Properties, (value, key) =>
      resolve(value, `${logicalId}.Properties.${key}`),
    );
    return { type: resource.Type, name: physicalName(resource.Type, logicalId, properties) };
  }

  function ref(name: string, path: string): unknown {
    if (name in pseudoParameters) return pseudoParameters[name];
    const parameter = document.Parameters[name];
    if (parameter) {
      return parameter.Default ?? fail(path, `refers to parameter "${name}", which has no default`);
    }
    const target = referenced(name, path);
    return refOf(target.type, target.name, awsUrl);
  }

  function getAtt(argument: unknown, path: string): string {
    const whole = Array.isArray(argument) ? argument.join(".") : String(argument);
    const [logicalId = "", ...attribute] = whole.split(".");
    const target = referenced(logicalId, path);
    try {
      return attributeOf(target, attribute.join("."), { awsUrl, apiUrl });
    } catch (cause) {
      return fail(path, `refers to ${whole}: ${cause instanceof Error ? cause.message : cause}`);
    }
  }

  function sub(argument: unknown, path: string): string {
    const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
    const values = asRecord(variables, path);
    return String(text).replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (name in values) return asText(resolve(values[name], path), path);
      return asText(name.includes(".") ? getAtt(name, path) : ref(name, path), path);
    });
  }

  /**
   * Replaces an invoke URL that the template builds from the API's id by the URL
   * of the local API.
   */
  function withLocalApi(text: string): string {
    return text.replace(
      new RegExp(`https://([A-Za-z0-9]+)\\.execute-api\\.${REGION}\\.amazonaws\\.com`, "g"),
      (whole, id: string) =>
        document.Resources[id]?.Type === "AWS::ApiGatewayV2::Api" ? apiUrl : whole,
    );
  }

  const functions: Record<string, (argument: unknown, path: string) => unknown> = {
    Ref: (name, path) => ref(String(name), path),
    "Fn::GetAtt": getAtt,
    "Fn::Sub": (argument, path) => withLocalApi(sub(argument, path)),
    "Fn::Join": (argument, path) => {
      const [separator, list] = asList(argument, path);
      const parts = asList(resolve(list, path), path).map((part) => asText(part, path));
      return withLocalApi(parts.join(asText(separator, path)));
    },
    "Fn::Split": (argument, path) => {
      const [separator, text] = asList(resolve(argument, path), path);
      return asText(text, path).split(asText(separator, path));
    },
    "Fn::Select": (argument, path) => {
      const [index, list] = asList(resolve(argument, path), path);
      const items = asList(list, path);
      return items[Number(index)] ?? fail(path, `selects item ${index} of ${items.length}`);
    },
    "Fn::FindInMap": (argument, path) => {
      const keys = asList(resolve(argument, path), path).map(String);
      const found = keys.reduce<unknown>((map, key) => asRecord(map, path)[key], document.Mappings);
      return found ?? fail(path, `finds nothing in the mapping ${keys.join(".")}`);
    },
    "Fn::If": (argument, path) => {
      const [condition, whenTrue, whenFalse] = asList(argument, path);
      return resolve(isTrue({ Condition: condition }, path) ? whenTrue : whenFalse, path);
    },
  };

  const conditions: Record<string, (argument: unknown, path: string) => boolean> = {
    Condition: (name, path) => {
      const condition = document.Conditions[String(name)];
      if (condition === undefined)
        fail(path, `names the condition "${name}", which does not exist`);
      return isTrue(condition, `Conditions.${name}`);
    },
    "Fn::Equals": (argument, path) => {
      const [left, right] = asList(resolve(argument, path), path);
      return String(left) === String(right);
    },
    "Fn::Not": (argument, path) => !asList(argument, path).some((item) => isTrue(item, path)),
    "Fn::And": (argument, path) => asList(argument, path).every((item) => isTrue(item, path)),
    "Fn::Or": (argument, path) => asList(argument, path).some((item) => isTrue(item, path)),
  };

  function isTrue(expression: unknown, path: string): boolean {
    const [name = "", argument] = Object.entries(asRecord(expression, path))[0] ?? [];
    const evaluate = conditions[name];
    if (!evaluate)
      return fail(path, `uses ${name} in a condition, which the local run does not support`);
    return evaluate(argument, path);
  }

  function resolve(value: unknown, path: string): unknown {
    if (Array.isArray(value)) {
      return value
        .map((item, index) => resolve(item, `${path}[${index}]`))
        .filter((item) => item !== NO_VALUE);
    }
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value);
    const [name = "", argument] = entries[0] ?? [];
    if (entries.length === 1 && (name === "Ref" || name.startsWith("Fn::"))) {
      const evaluate = functions[name];
      return evaluate
        ? evaluate(argument, path)
        : fail(path, `uses ${name}, which the local run does not support`);
    }
    return Object.fromEntries(
      entries
        .map(([key, item]) => [key, resolve(item, `${path}.${key}`)] as const)
        .filter(([, item]) => item !== NO_VALUE),
    );
  }

  return {
    resources: () =>
      Object.entries(document.Resources)
        .filter(([logicalId, resource]) => exists(resource.Condition, logicalId))
        .map(([logicalId, { Type: type, Properties }]) => ({
          logicalId,
          type,
          properties: asRecord(resolve(Properties, `${logicalId}.Properties`), logicalId),
        })),
    outputs: () =>
      Object.fromEntries(
        Object.entries(document.Outputs)
          .filter(([key, output]) => exists(output.Condition, `Outputs.${key}`))
          .map(([key, output]) => {
            const path = `Outputs.${key}.Value`;
            return [key, asText(resolve(output.Value, path), path)];
          }),
      ),
  };
}

function fail(path: string, problem: string): never {
  throw new Error(`${path} ${problem}`);
}

function asList(value: unknown, path: string): unknown[] {
  return Array.isArray(value) ? value : fail(path, "must be a list here");
}

function asText(value: unknown, path: string): string {
  const isPlain = ["string", "number", "boolean"].includes(typeof value);
  return isPlain ? String(value) : fail(path, "must be a text here");
}

function asRecord(value: unknown, path: string): Record<string, unknown> {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : fail(path, "must be an object here");
}

function withLazyProperties(
  record: Record<string, unknown>,
  read: (value: unknown, key: string) => unknown,
): Record<string, unknown> {
  const lazy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    Object.defineProperty(lazy, key, { get: () => read(value, key), enumerable: true });
  }
  return lazy;
}
