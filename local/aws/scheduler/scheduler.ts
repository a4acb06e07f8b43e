import { randomUUID } from "node:crypto";
import type { BusinessTimers } from "../../clock/business-timers.ts";
import type { BusinessClock } from "../../clock/clock.ts";
import type { RecurringTimers } from "../../clock/recurring-timers.ts";
import type { DurableStore } from "../../durable-store.ts";
import { ACCOUNT_ID, arnOf, physicalName, REGION } from "../../physical-name.ts";
import type { Resource } from "../../template/resource.ts";
import type { TargetDelivery } from "../eventbridge/target-delivery.ts";
import type { RoleCheck } from "../iam/role-check.ts";
import { AwsError, type Operations, validationError } from "../protocol.ts";
import type { ScheduleExpression } from "./schedule-expression.ts";
import { readSchedule, type ScheduleRequest, scheduleNotFound } from "./schedule-requests.ts";

interface StoredSchedule {
  request: ScheduleRequest;
  createdAt: number;
  /** A one-time schedule that has fired and is not deleted (ActionAfterCompletion NONE). */
  isCompleted?: boolean;
}

export interface Scheduler {
  operations: Operations;
  addGroup(resource: Resource): void;
  addSchedule(resource: Resource): void;
  /**
   * Starts the timers of the stored schedules. Schedules that became due while
   * the run was down fire at once.
   */
  restore(): void;
}

/** EventBridge Scheduler with one-time and recurring schedules in business time. */
export function openScheduler(options: {
  store: DurableStore;
  clock: BusinessClock;
  timers: BusinessTimers;
  recurring: RecurringTimers;
  delivery: TargetDelivery;
  roles: RoleCheck;
}): Scheduler {
  const { clock, timers, recurring } = options;
  const durable = options.store.collection<StoredSchedule>("scheduler.schedules");
  const ofTemplate = new Map<string, StoredSchedule>();
  const groups = new Set(["default"]);
  const find = (key: string) => ofTemplate.get(key) ?? durable.get(key);

  /** Delivers one firing. As on AWS, it fails when the role does not allow the call. */
  function fire(key: string, request: ScheduleRequest, time: number) {
    const arn = arnOf("AWS::Scheduler::Schedule", key);
    const target = request.Target;
    const targetArn = target?.Arn ?? "";
    const deadLetterArn = target?.DeadLetterConfig?.Arn;
    const isQueue = targetArn.startsWith("arn:aws:sqs:");
    const refusal = (action: string, resource: string) => {
      const roleId = options.roles.roleIdOf(target?.RoleArn ?? "");
      if (roleId === undefined) return `there is no role ${target?.RoleArn}`;
      return options.roles.refusal(request.Name ?? "", roleId, { action, resource });
    };
    return options.delivery.deliver({
      sourceArn: arn,
      targetArn,
      payload: payloadOf(request, arn, time),
      groupId: target?.SqsParameters?.MessageGroupId,
      deadLetterArn,
      maximumRetryAttempts: target?.RetryPolicy?.MaximumRetryAttempts,
      maximumEventAgeInSeconds: target?.RetryPolicy?.MaximumEventAgeInSeconds,
      refusal: refusal(isQueue ? "sqs:SendMessage" : "lambda:InvokeFunction", targetArn),
      deadLetterRefusal: deadLetterArn ? refusal("sqs:SendMessage", deadLetterArn) : undefined,
    });
  }

  async function fireOnce(key: string, schedule: StoredSchedule, at: number): Promise<void> {
    // A process that ends before this point fires again: schedules are delivered at least once.
    if ((await fire(key, schedule.request, at)) === "abandoned") return;
    // Another schedule may have this name now.
    if (durable.get(key)?.createdAt !== schedule.createdAt) return;
    if (schedule.request.ActionAfterCompletion === "DELETE") durable.delete(key);
    else durable.put(key, { ...schedule, isCompleted: true });
  }

  function arm(key: string, schedule: StoredSchedule, expression: ScheduleExpression): void {
    const { request } = schedule;
    if (request.State === "DISABLED" || schedule.isCompleted) return;
    if (expression.kind === "once") {
      const { at } = expression;
      timers.set(`schedule ${key}`, at, () => void fireOnce(key, schedule, at));
      return;
    }
    recurring.start(
      arnOf("AWS::Scheduler::Schedule", key),
      {
        expression: request.ScheduleExpression ?? "",
        timeZone: request.ScheduleExpressionTimezone,
        startsAt: request.StartDate === undefined ? undefined : request.StartDate * 1_000,
        endsAt: request.EndDate === undefined ? undefined : request.EndDate * 1_000,
      },
      (time) => void fire(key, request, time),
    );
  }

  function create(request: ScheduleRequest) {
    const expression = readSchedule(request);
    const group = request.GroupName ?? "default";
    if (!groups.has(group)) {
      throw new AwsError("ResourceNotFoundException", `Schedule group ${group} does not exist.`, {
        status: 404,
      });
    }
    const key = `${group}/${request.Name}`;
    const answer = { ScheduleArn: arnOf("AWS::Scheduler::Schedule", key) };
    const existing = find(key);
    if (existing) {
      const isRepeat =
        request.ClientToken !== undefined && existing.request.ClientToken === request.ClientToken;
      if (isRepeat) return answer;
      throw new AwsError("ConflictException", `Schedule ${request.Name} already exists.`, {
        status: 409,
      });
    }
    if (expression.kind === "once" && expression.at <= clock.now()) {
      throw validationError(
        `Invalid Schedule Expression ${request.ScheduleExpression}: it is in the past.`,
      );
    }
    if (options.roles.roleIdOf(request.Target?.RoleArn ?? "") === undefined) {
      throw validationError(
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
      );
    }
    const schedule = { request, createdAt: clock.now() };
    durable.put(key, schedule);
    arm(key, schedule, expression);
    return answer;
  }

  /** Replaces a schedule as a whole, as AWS does. A recurring one fires next by its new expression. */
  function update(request: ScheduleRequest) {
    const expression = readSchedule(request);
    const key = `${request.GroupName ?? "default"}/${request.Name}`;
    const existing = durable.get(key);
    if (!existing) throw scheduleNotFound(request.Name ?? "");
    disarm(key);
    const schedule = { request, createdAt: existing.createdAt };
    durable.put(key, schedule);
    arm(key, schedule, expression);
    return { ScheduleArn: arnOf("AWS::Scheduler::Schedule", key) };
  }

  function disarm(key: string): void {
    timers.cancel(`schedule ${key}`);
    recurring.stop(arnOf("AWS::Scheduler::Schedule", key));
  }

  function list(input: { GroupName?: string; NamePrefix?: string; State?: string }) {
    const all = [...ofTemplate, ...durable.entries()].filter(
      ([key, { request }]) =>
        (input.GroupName === undefined || key.startsWith(`${input.GroupName}/`)) &&
        (request.Name ?? "").startsWith(input.NamePrefix ?? "") &&
        (input.State === undefined || (request.State ?? "ENABLED") === input.State),
    );
    const summaries = all.map(([key, schedule]) => {
      const { Arn, Name, GroupName, State, CreationDate, LastModificationDate } = described(
        key,
        schedule,
      );
      const Target = { Arn: schedule.request.Target?.Arn };
      return { Arn, Name, GroupName, State, CreationDate, LastModificationDate, Target };
    });
    return { Schedules: summaries };
  }

  const operations: Operations = {
    CreateSchedule: create,
    UpdateSchedule: update,
    GetSchedule(input: { Name: string; GroupName?: string }) {
      const key = `${input.GroupName ?? "default"}/${input.Name}`;
      const schedule = find(key);
      if (!schedule) throw scheduleNotFound(input.Name);
      return described(key, schedule);
    },
    DeleteSchedule(input: { Name: string; GroupName?: string }) {
      const key = `${input.GroupName ?? "default"}/${input.Name}`;
      if (!find(key)) throw scheduleNotFound(input.Name);
      disarm(key);
      ofTemplate.delete(key);
      durable.delete(key);
      return {};
    },
    ListSchedules: list,
  };

  return {
    operations,
    addGroup({ type, logicalId, properties }) {
      groups.add(physicalName(type, logicalId, properties));
    },
    addSchedule({ type, logicalId, properties }) {
      const key = physicalName(type, logicalId, properties);
      const Name = key.slice(key.indexOf("/") + 1);
      const request = { ...properties, Name } as ScheduleRequest;
      const schedule = { request, createdAt: clock.now() };
      ofTemplate.set(key, schedule);
      const expression = readSchedule(request);
      // Whether a one-time schedule of the template has fired is not stored, so one in the past is
      // skipped.
      const isOver = expression.kind === "once" && expression.at <= clock.now();
      if (!isOver) arm(key, schedule, expression);
    },
    restore() {
      for (const [key, schedule] of durable.entries()) {
        arm(key, schedule, readSchedule(schedule.request));
      }
    },
  };
}

/** Returns the target's input with Scheduler's context attributes filled in. */
function payloadOf(request: ScheduleRequest, arn: string, timeMs: number): string {
  const time = `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
  const id = randomUUID();
  const input = request.Target?.Input;
  if (input !== undefined) {
    return input
      .replaceAll("<aws.scheduler.schedule-arn>", arn)
      .replaceAll("<aws.scheduler.scheduled-time>", time)
      .replaceAll("<aws.scheduler.execution-id>", id)
      .replaceAll("<aws.scheduler.attempt-number>", "1");
  }
  return JSON.stringify({
    version: "0",
    id,
    "detail-type": "Scheduled Event",
    source: "aws.scheduler",
    account: ACCOUNT_ID,
    time,
    region: REGION,
    resources: [arn],
    detail: "{}",
  });
}

function described(key: string, { request, createdAt }: StoredSchedule) {
  const { ClientToken, ...rest } = request;
  const CreationDate = createdAt / 1_000;
  return {
    ActionAfterCompletion: "NONE",
    ScheduleExpressionTimezone: "UTC",
    State: "ENABLED",
    ...rest,
    Arn: arnOf("AWS::Scheduler::Schedule", key),
    GroupName: key.slice(0, key.indexOf("/")),
    CreationDate,
    LastModificationDate: CreationDate,
  };
}
