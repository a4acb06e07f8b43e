import type {
  PutEventsResponse,
  PutEventsResultEntry,
  PutRuleRequest,
  PutTargetsRequest,
  RemoveTargetsRequest,
} from "@aws-sdk/client-eventbridge";
import type { BusinessClock } from "../../clock/clock.ts";
import type { RecurringTimers } from "../../clock/recurring-timers.ts";
import type { DurableStore } from "../../durable-store.ts";
import { arnOf, busNameOf, physicalName } from "../../physical-name.ts";
import type { Resource } from "../../template/resource.ts";
import { AwsError, type Operations, required, validationError } from "../protocol.ts";
import {
  assertEntries,
  type BusEvent,
  type Entry,
  eventOf,
  failure,
  makeEvent,
} from "./event-entries.ts";
import { assertInput, inputFor } from "./event-input.ts";
import { openEventRules, type Rule } from "./event-rules.ts";
import { assertTargetArn, type TargetDelivery } from "./target-delivery.ts";

export interface EventBridge {
  operations: Operations;
  addBus(resource: Resource): void;
  addRule(resource: Resource): void;
}

const MAX_TARGETS = 5;

export function openEventBridge(options: {
  store: DurableStore;
  clock: BusinessClock;
  recurring: RecurringTimers;
  delivery: TargetDelivery;
  /** Runs synchronous work with one disk write for all its queue writes. */
  atomically<T>(run: () => T): T;
}): EventBridge {
  const rules = openEventRules(options.store);
  const buses = new Set(["default"]);

  function busOf(nameOrArn: string | undefined): string {
    const name = busNameOf(nameOrArn);
    if (!buses.has(name)) throw notFound(`Event bus ${name} does not exist.`);
    return name;
  }

  function ruleOf(input: { Name?: string; Rule?: string; EventBusName?: string }): Rule {
    const busName = busOf(input.EventBusName);
    const name = required(input.Name ?? input.Rule, "name");
    const rule = rules.find(busName, name);
    if (!rule) throw notFound(`Rule ${name} does not exist on EventBus ${busName}.`);
    return rule;
  }

  /**
   * Delivers an event to the targets of a rule. SQS targets have it when this
   * returns; Lambda targets are invoked asynchronously.
   */
  function deliver(rule: Rule, event: BusEvent): void {
    for (const target of rule.targets) {
      void options.delivery.deliver({
        sourceArn: rule.arn,
        targetArn: target.Arn ?? "",
        payload: inputFor(target, event, rule),
        groupId: target.SqsParameters?.MessageGroupId,
        deadLetterArn: target.DeadLetterConfig?.Arn,
        maximumRetryAttempts: target.RetryPolicy?.MaximumRetryAttempts,
        maximumEventAgeInSeconds: target.RetryPolicy?.MaximumEventAgeInSeconds,
      });
    }
  }

  function putEvent(entry: Entry): PutEventsResultEntry {
    const busName = busNameOf(entry.EventBusName);
    if (!buses.has(busName)) {
      return failure("InvalidArgument", `Event bus ${busName} does not exist.`);
    }
    const event = eventOf(entry, options.clock.now());
    if (!("id" in event)) return event;
    for (const rule of rules.ofBus(busName)) {
      if (rule.state === "ENABLED" && rule.matches(event.parsed)) deliver(rule, event);
    }
    return { EventId: event.id };
  }

  function putEvents(input: { Entries?: Entry[] }): PutEventsResponse {
    const entries = assertEntries(input.Entries);
    const Entries = options.atomically(() => entries.map(putEvent));
    return { FailedEntryCount: Entries.filter((entry) => entry.ErrorCode).length, Entries };
  }

  function putRule(input: PutRuleRequest) {
    const busName = busOf(input.EventBusName);
    const name = required(input.Name, "name");
    if (input.ScheduleExpression) {
      throw validationError("Locally, a rule made at run time has an event pattern only.");
    }
    const pattern = required(input.EventPattern, "eventPattern");
    const rule = rules.save({
      name,
      busName,
      pattern,
      description: input.Description,
      state: input.State ?? "ENABLED",
      targets: rules.find(busName, name)?.targets ?? [],
    });
    return { RuleArn: rule.arn };
  }

  function putTargets(input: PutTargetsRequest) {
    const rule = ruleOf(input as { Rule: string });
    const targets = new Map(rule.targets.map((target) => [target.Id, target]));
    for (const target of required(input.Targets, "targets")) {
      assertTargetArn(target.Arn);
      assertInput(target);
      targets.set(required(target.Id, "targets.id"), target);
    }
    if (targets.size > MAX_TARGETS) {
      throw new AwsError(
        "LimitExceededException",
        `The requested resource exceeds the maximum number allowed: ${MAX_TARGETS} targets per rule.`,
      );
    }
    rules.save({ ...storable(rule), targets: [...targets.values()] });
    return { FailedEntryCount: 0, FailedEntries: [] };
  }

  function removeTargets(input: RemoveTargetsRequest) {
    const rule = ruleOf(input as { Rule: string });
    const ids = required(input.Ids, "ids");
    const unknown = ids.filter((id) => !rule.targets.some((target) => target.Id === id));
    const targets = rule.targets.filter((target) => !ids.includes(target.Id ?? ""));
    rules.save({ ...storable(rule), targets });
    return {
      FailedEntryCount: unknown.length,
      FailedEntries: unknown.map((TargetId) => ({
        TargetId,
        ErrorCode: "ResourceNotFoundException",
        ErrorMessage: `Rule ${rule.name} does not have a target with the Id ${TargetId}.`,
      })),
    };
  }

  const operations: Operations = {
    PutEvents: putEvents,
    PutRule: putRule,
    PutTargets: putTargets,
    RemoveTargets: removeTargets,
    DescribeRule: (input: { Name: string }) => described(ruleOf(input)),
    DeleteRule(input: { Name: string; EventBusName?: string }) {
      const rule = rules.find(busOf(input.EventBusName), required(input.Name, "name"));
      if (rule && rule.targets.length > 0) {
        throw validationError("Rule can't be deleted since it has targets.");
      }
      if (rule) rules.remove(rule);
      return {};
    },
    ListRules: (input: { EventBusName?: string; NamePrefix?: string }) => ({
      Rules: rules
        .ofBus(busOf(input.EventBusName))
        .filter((rule) => rule.name.startsWith(input.NamePrefix ?? ""))
        .map(described),
    }),
    ListTargetsByRule: (input: { Rule: string }) => ({ Targets: ruleOf(input).targets }),
    DescribeEventBus(input: { Name?: string }) {
      const Name = busOf(input.Name);
      return { Name, Arn: arnOf("AWS::Events::EventBus", Name) };
    },
    ListEventBuses: () => ({
      EventBuses: [...buses].map((Name) => ({ Name, Arn: arnOf("AWS::Events::EventBus", Name) })),
    }),
  };

  return {
    operations,
    addBus({ type, logicalId, properties }) {
      buses.add(physicalName(type, logicalId, properties));
    },
    addRule(resource) {
      const rule = rules.addFromTemplate(resource);
      if (rule.scheduleExpression === undefined || rule.state !== "ENABLED") return;
      options.recurring.start(rule.arn, { expression: rule.scheduleExpression }, (time) =>
        deliver(rule, scheduledEvent(rule, time)),
      );
    },
  };
}

function scheduledEvent(rule: Rule, time: number): BusEvent {
  return makeEvent({
    source: "aws.events",
    detailType: "Scheduled Event",
    time,
    resources: [rule.arn],
    detailJson: "{}",
    detail: {},
    receivedMs: time,
  });
}

function storable({ arn, matches, isOfTemplate, ...stored }: Rule) {
  return stored;
}

function described(rule: Rule) {
  return {
    Name: rule.name,
    Arn: rule.arn,
    EventBusName: rule.busName,
    EventPattern: rule.pattern,
    ScheduleExpression: rule.scheduleExpression,
    Description: rule.description,
    State: rule.state,
  };
}

function notFound(message: string): AwsError {
  return new AwsError("ResourceNotFoundException", message);
}
