import type { Target } from "@aws-sdk/client-eventbridge";
import type { Collection, DurableStore } from "../../durable-store.ts";
import { arnOf, busNameOf, physicalName } from "../../physical-name.ts";
import type { Resource } from "../../template/resource.ts";
import { AwsError } from "../protocol.ts";
import { assertInput } from "./event-input.ts";
import { compileEventPattern, type EventMatcher, InvalidEventPattern } from "./event-pattern.ts";
import { assertTargetArn } from "./target-delivery.ts";

interface StoredRule {
  name: string;
  busName: string;
  pattern?: string | undefined;
  scheduleExpression?: string | undefined;
  description?: string | undefined;
  state: string;
  targets: Target[];
}

export interface Rule extends StoredRule {
  arn: string;
  matches: EventMatcher;
  isOfTemplate: boolean;
}

/**
 * The rules of all buses: those of the template, and those created at run time,
 * which are durable.
 */
export interface EventRules {
  find(busName: string, name: string): Rule | undefined;
  ofBus(busName: string): Rule[];
  /** @throws InvalidEventPatternException; an existing rule of that name is then unchanged */
  save(rule: StoredRule): Rule;
  addFromTemplate(resource: Resource): Rule;
  remove(rule: Rule): void;
}

export function openEventRules(store: DurableStore): EventRules {
  const collection: Collection<StoredRule> = store.collection("events.rules");
  const buses = new Map<string, Map<string, Rule>>();

  function add(stored: StoredRule, isOfTemplate: boolean): Rule {
    const name = stored.busName === "default" ? stored.name : `${stored.busName}|${stored.name}`;
    const rule = {
      ...stored,
      arn: arnOf("AWS::Events::Rule", name),
      matches: stored.pattern === undefined ? () => false : compiled(stored.pattern),
      isOfTemplate,
    };
    const rules = buses.get(stored.busName) ?? new Map<string, Rule>();
    buses.set(stored.busName, rules.set(stored.name, rule));
    return rule;
  }

  for (const [, stored] of collection.entries()) add(stored, false);

  const find = (busName: string, name: string) => buses.get(busName)?.get(name);
  return {
    find,
    ofBus: (busName) => [...(buses.get(busName)?.values() ?? [])],
    save(stored) {
      // A change to a rule of the template lasts until the next start of the run.
      const isOfTemplate = find(stored.busName, stored.name)?.isOfTemplate ?? false;
      const rule = add(stored, isOfTemplate);
      if (!isOfTemplate) collection.put(rule.arn, stored);
      return rule;
    },
    addFromTemplate: (resource) => add(storedRuleOf(resource), true),
    remove(rule) {
      buses.get(rule.busName)?.delete(rule.name);
      collection.delete(rule.arn);
    },
  };
}

function compiled(pattern: string): EventMatcher {
  try {
    return compileEventPattern(pattern);
  } catch (error) {
    if (!(error instanceof InvalidEventPattern)) throw error;
    throw new AwsError(
      "InvalidEventPatternException",
      `Event pattern is not valid. Reason: ${error.message}`,
    );
  }
}

function storedRuleOf({ type, logicalId, properties }: Resource): StoredRule {
  const busName = busNameOf(properties.EventBusName as string | undefined);
  const targets = (properties.Targets ?? []) as Target[];
  for (const target of targets) {
    assertTargetArn(target.Arn);
    assertInput(target);
  }
  return {
    name: physicalName(type, logicalId, properties).replace(`${busName}|`, ""),
    busName,
    pattern:
      properties.EventPattern === undefined ? undefined : JSON.stringify(properties.EventPattern),
    scheduleExpression: properties.ScheduleExpression as string | undefined,
    description: properties.Description as string | undefined,
    state: String(properties.State ?? "ENABLED"),
    targets,
  };
}
