import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { Failure } from "../../contracts/failures.ts";
import type { Clock } from "../../core/clock.ts";
import type { LaneStore } from "../../core/requests/state/lane-ports.ts";
import type { LaneAccount } from "../../core/requests/state/record.ts";
import { callDependency } from "../dependency-down.ts";
import {
  LANE_ID,
  pauseItem,
  pauseName,
  pauseNames,
  readLaneItem,
  subQueueName,
  takeText,
} from "./lane-item.ts";
import { makeReleaseLane } from "./lane-release.ts";
import { MAX_ATTEMPTS, makeLaneUpdate, SET_DUE, shardOfLane } from "./lane-update.ts";

const ACCOUNT_NAMES = {
  "#clientId": "clientId",
  "#provider": "provider",
  "#connectionId": "connectionId",
  "#accountId": "accountId",
};
const SET_ACCOUNT =
  "#clientId = :clientId, #provider = :provider, #connectionId = :connectionId, #accountId = :accountId";

const accountValues = ({ clientId, provider, connectionId, accountId }: LaneAccount) => ({
  ":clientId": clientId,
  ":provider": provider,
  ":connectionId": connectionId,
  ":accountId": accountId,
});

/** Plans a sweep, so that the worker that has the lane sees it when it releases the lane. */
const WAKE = { set: ["dueAt = :due", SET_DUE], add: ["wakes :one"] };

const wakeValues = (lane: string, dueMs: number) => ({
  ":due": dueMs,
  ":shard": shardOfLane(lane),
  ":one": 1,
});

/** Lanes on DynamoDB: one item each, changed by one conditional UpdateItem at a time. */
export function makeDynamoLanes(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
}): LaneStore {
  const { client, tableName: TableName, clock } = options;
  const update = makeLaneUpdate(options);

  return {
    async find(lane) {
      const get = new GetCommand({ TableName, Key: { lane, id: LANE_ID }, ConsistentRead: true });
      const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
      return Item && readLaneItem(Item);
    },

    async join(lane, account, of) {
      const now = Math.ceil(of.nowMs);
      const { count = 1, limit } = of;
      const joinAt = (place: string, condition: string, more: Record<string, number> = {}) =>
        update(lane, {
          set: [
            SET_ACCOUNT,
            `lastPlace = ${place}`,
            "waiting = if_not_exists(waiting, :none) + :count",
            "dueAt = if_not_exists(dueAt, :due)",
            "dueShard = if_not_exists(dueShard, :shard)",
          ],
          add: ["subQueues :subQueues"],
          condition:
            limit === undefined
              ? condition
              : `(${condition}) AND (attribute_not_exists(waiting) OR waiting <= :room)`,
          names: ACCOUNT_NAMES,
          values: {
            ...accountValues(account),
            ":now": now,
            ":none": 0,
            ":count": count,
            ":due": of.dueMs,
            ":shard": shardOfLane(lane),
            ":subQueues": new Set(of.subQueues.map(subQueueName)),
            ...(limit === undefined ? {} : { ":room": limit - count }),
            ...more,
          },
          returns: "ALL_OLD",
        });
      const isFull = (existing: Record<string, unknown> | undefined) =>
        limit !== undefined && Number(existing?.waiting ?? 0) > limit - count;
      if (isFull(undefined)) return "full";
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const first = await joinAt(":last", "attribute_not_exists(lastPlace) OR lastPlace < :now", {
          ":last": now + count - 1,
        });
        if ("written" in first) return joinedFrom(first.written, now);
        if (isFull(first.existing)) return "full";
        // Another request joined in this millisecond, or its writer's clock is ahead: take the
        // place after it.
        const second = await joinAt("lastPlace + :count", "lastPlace >= :now");
        if ("written" in second) {
          return joinedFrom(second.written, Number(second.written?.lastPlace) + 1);
        }
        if (isFull(second.existing)) return "full";
      }
      throw new Failure("DEPENDENCY_DOWN", "too many requests join one lane at once");
    },

    async setWaitingCount(lane, waiting) {
      const result = await update(lane, {
        set: ["waiting = :waiting"],
        condition: "attribute_exists(lane) AND attribute_not_exists(#owner)",
        names: { "#owner": "owner" },
        values: { ":waiting": waiting },
      });
      return "written" in result;
    },

    async acquire(lane, lease, dueMs) {
      const nowRealMs = clock.realMs();
      const isFree =
        "attribute_exists(lane) AND (attribute_not_exists(#owner) OR leaseUntilRealMs <= :now OR #owner = :owner)";
      const take = (keepsSweep: boolean) =>
        update(lane, {
          set: [
            "#owner = :owner",
            "leaseUntilRealMs = :until",
            ...(keepsSweep ? [] : ["dueAt = :due", SET_DUE]),
          ],
          condition: keepsSweep
            ? `${isFree} AND dueShard = :shard AND dueAt >= :soon AND dueAt <= :due`
            : isFree,
          names: { "#owner": "owner" },
          values: {
            ":owner": lease.owner,
            ":until": lease.untilMs,
            ":now": nowRealMs,
            ":due": dueMs,
            ":shard": shardOfLane(lane),
            ...(keepsSweep ? { ":soon": clock.businessMs() } : {}),
          },
          returns: "ALL_OLD",
        });
      // To move the entry of the index would be two writes more. An earlier one does as well.
      const kept = await take(true);
      const { owner, leaseUntilRealMs } = ("existing" in kept && kept.existing) || {};
      const isHeld =
        owner !== undefined && owner !== lease.owner && Number(leaseUntilRealMs) > nowRealMs;
      const isGone = "existing" in kept && kept.existing === undefined;
      const result = "written" in kept || isHeld || isGone ? kept : await take(false);
      if (!("written" in result)) return undefined;
      const before = readLaneItem(result.written);
      // The own owner is there when the answer of an attempt was lost, and with it who was before.
      const abandonedByPrevious = before.owner !== undefined;
      return {
        ...before,
        owner: lease.owner,
        leaseUntilRealMs: lease.untilMs,
        ...(result === kept ? {} : { dueMs }),
        ...(abandonedByPrevious ? { abandonedByPrevious } : {}),
      };
    },

    release: makeReleaseLane(update),

    async bringSweepForward(lane, dueMs) {
      const result = await update(lane, {
        ...WAKE,
        // The worker that owns the lane must see the change at release, even when its own
        // sweep is earlier.
        condition: "attribute_exists(dueAt) AND (dueAt > :due OR attribute_exists(#owner))",
        names: { "#owner": "owner" },
        values: wakeValues(lane, dueMs),
      });
      return "written" in result;
    },

    async ensureSweep(lane, dueMs) {
      const result = await update(lane, {
        ...WAKE,
        condition:
          "attribute_exists(lane) AND (attribute_not_exists(dueAt) OR attribute_exists(#owner))",
        names: { "#owner": "owner" },
        values: wakeValues(lane, dueMs),
      });
      return "written" in result;
    },

    async delaySubmissions(lane, nextMs) {
      await update(lane, {
        set: ["nextMs = :next"],
        condition: "attribute_exists(lane) AND (attribute_not_exists(nextMs) OR nextMs < :next)",
        values: { ":next": nextMs },
      });
    },

    async scheduleSweep(lane, dueMs) {
      const result = await update(lane, {
        ...WAKE,
        condition:
          "attribute_exists(lane) AND (attribute_not_exists(dueAt) OR dueAt > :due OR attribute_exists(#owner))",
        names: { "#owner": "owner" },
        values: wakeValues(lane, dueMs),
      });
      return "written" in result;
    },

    async giveBack(lane, { take, subQueue }) {
      await update(lane, {
        add: [...(take ? ["givenBack :takes"] : []), "subQueues :subQueues", "wakes :one"],
        condition: "attribute_exists(lane)",
        values: {
          ...(take ? { ":takes": new Set([takeText(take)]) } : {}),
          ":subQueues": new Set([subQueueName(subQueue)]),
          ":one": 1,
        },
      });
    },

    async pause(lane, account, pause) {
      const { untilMs, isRestriction } = pause;
      await update(lane, {
        set: [
          SET_ACCOUNT,
          "#pause = :pause",
          ...(isRestriction ? ["restrictedMs = :restricted"] : []),
        ],
        // The first condition is always true: a pause without an end replaces any.
        condition:
          untilMs === undefined
            ? "attribute_exists(lane) OR attribute_not_exists(lane)"
            : "attribute_not_exists(#pause) OR #pause.untilMs < :until",
        names: { ...ACCOUNT_NAMES, "#pause": pauseName(pause) },
        values: {
          ...accountValues(account),
          ":pause": pauseItem(pause),
          ...(untilMs === undefined ? {} : { ":until": untilMs }),
          ...(isRestriction ? { ":restricted": clock.businessMs() } : {}),
        },
      });
    },

    async endLoginPause(lane, dueMs) {
      await update(lane, {
        ...WAKE,
        remove: ["stop"],
        condition: "attribute_exists(stop)",
        values: wakeValues(lane, dueMs),
      });
    },

    async endAllPauses(lane, dueMs) {
      const result = await update(lane, {
        ...WAKE,
        remove: pauseNames,
        condition: "attribute_exists(lane)",
        values: wakeValues(lane, dueMs),
      });
      return "written" in result;
    },
  };
}

function joinedFrom(before: Record<string, unknown> | undefined, position: number) {
  return {
    position,
    hadNoSweep: before?.dueAt === undefined,
    // The lane was there with its account's pause only, when nothing had joined it.
    ...(before?.lane === undefined ? {} : { before: readLaneItem(before) }),
  };
}
