import fc from "fast-check";
import type { ProviderId } from "../../../shared/contracts/providers.ts";
import type { CallEnd, PollReport, ProviderReport } from "../payloads/provider-payloads.ts";

export const MINUTE_MS = 60_000;

/**
 * One thing that happens to a request. The commands in `meanwhile` run during the
 * command's call to the provider, or while it publishes.
 */
export type Command =
  | {
      do: "bus fails" | "bus works" | "fire" | "continue" | "resume account" | "redeliver webhooks";
    }
  | { do: "delete connection" | "repeat message" }
  | { do: "work"; end: CallEnd; meanwhile: Command[]; isBeforeCall?: boolean; batch?: number }
  | {
      do: "webhook";
      report: ProviderReport;
      isBound: boolean;
      isLabelled: boolean;
      meanwhile: Command[];
    }
  | { do: "sweep"; report: PollReport; meanwhile: Command[] }
  | { do: "cancel"; end: "yes" | "no" | "incomplete" }
  | { do: "resolve"; as: "submitted" | "not-submitted" }
  | { do: "pass"; businessMs: number; realMs: number };

const reported = fc.constantFrom<ProviderReport[]>(
  ...(["pending", "running", "prompt", "prompt", "other prompt", "success"] as const),
  ...(["success", "WRONG_PASSWORD", "STATUS_429"] as const),
);
const callEnd = fc.constantFrom<CallEnd[]>(
  ...(["accepted", "accepted", "accepted", "accepted", "done", "rejected"] as const),
  ...(["error", "incomplete", "killed", "too many", "refused", "not sent"] as const),
);
const polled = fc.oneof(reported, fc.constantFrom<PollReport[]>("not found", "error"));

export const { command } = fc.letrec<{ command: Command; meanwhile: Command[] }>((tie) => {
  const meanwhile = tie("meanwhile");
  const weighed = (weight: number, of: Record<string, fc.Arbitrary<unknown>>) => ({
    weight,
    arbitrary: fc.record(of) as fc.Arbitrary<Command>,
  });
  return {
    meanwhile: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constant<Command[]>([]),
      fc.array(tie("command"), { minLength: 1, maxLength: 4, size: "max" }),
    ),
    command: fc.oneof(
      weighed(2, { do: fc.constantFrom("bus fails", "bus works", "resume account") }),
      weighed(2, { do: fc.constantFrom("fire", "redeliver webhooks", "repeat message") }),
      weighed(1, { do: fc.constantFrom("delete connection", "bus fails") }),
      weighed(10, {
        do: fc.constant("work"),
        end: callEnd,
        meanwhile,
        isBeforeCall: fc.boolean(),
        batch: fc.constantFrom(1, 10),
      }),
      weighed(6, {
        do: fc.constant("webhook"),
        report: reported,
        isBound: fc.boolean(),
        isLabelled: fc.boolean(),
        meanwhile,
      }),
      weighed(4, { do: fc.constant("sweep"), report: polled, meanwhile }),
      weighed(1, { do: fc.constant("cancel"), end: fc.constantFrom("yes", "no", "incomplete") }),
      weighed(4, { do: fc.constant("continue") }),
      weighed(1, { do: fc.constant("resolve"), as: fc.constantFrom("submitted", "not-submitted") }),
      weighed(4, {
        do: fc.constant("pass"),
        businessMs: fc
          .constantFrom(0, 0, 2, 2, 5, 20, 120, 120, 1_500)
          .map((minutes) => minutes * MINUTE_MS),
        realMs: fc.constantFrom(0, 6_000, 2 * MINUTE_MS),
      }),
    ),
  };
});

/** How a request is created. */
export interface Beginning {
  provider: ProviderId;
  action: string;
  isScheduled: boolean;
  /** Number of identical calls that the client makes at once. */
  times: number;
}

export const beginning: fc.Arbitrary<Beginning> = fc.record({
  provider: fc.constantFrom("we-link", "we-link", "linked-api"),
  action: fc.constantFrom("login_v2", "connect"),
  isScheduled: fc.constantFrom(false, false, false, true),
  times: fc.constantFrom(1, 1, 1, 3),
});
