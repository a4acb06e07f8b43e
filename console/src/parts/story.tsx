import { Anchor, Text, Timeline } from "@mantine/core";
import { Link } from "react-router";
import type { ItemOf } from "../api/call.ts";
import { toThing } from "../links.ts";
import { Time } from "./time.tsx";

type Step = ItemOf<"GET /v1/operator/find/{id}">["story"][number];

/** What happened to a thing, oldest first, and what is to happen. */
export function Story({ steps }: { steps: readonly Step[] }) {
  const past = steps.filter(({ isFuture }) => isFuture !== true).length;
  return (
    <Timeline active={past - 1} bulletSize={14} lineWidth={2}>
      {steps.map((step, place) => (
        <Timeline.Item
          // biome-ignore lint/suspicious/noArrayIndexKey: a story only grows at its end
          key={place}
          title={
            <Text span fw={500} size="sm">
              {step.title}
              {step.isFailure === true && (
                <Text span c="red" fw={600}>
                  {" "}
                  · failed
                </Text>
              )}
            </Text>
          }
          {...(step.isFailure === true ? { color: "red" } : {})}
          {...(step.isFuture === true ? { lineVariant: "dashed" as const } : {})}
        >
          <Text size="sm" c="dimmed" component="div" style={{ overflowWrap: "anywhere" }}>
            <About step={step} />
          </Text>
        </Timeline.Item>
      ))}
    </Timeline>
  );
}

function About({ step: { at, detail, id, idKind } }: { step: Step }) {
  const parts = [
    at !== undefined && <Time key="at" at={at} />,
    detail,
    id !== undefined && (
      <Anchor
        key="id"
        component={Link}
        to={toThing(idKind, id)}
        className="ackwire-id"
        underline="always"
      >
        {id}
      </Anchor>
    ),
  ].filter(Boolean);
  return parts.flatMap((part, place) => (place === 0 ? [part] : [" · ", part]));
}
