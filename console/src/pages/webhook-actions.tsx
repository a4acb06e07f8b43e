import { Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useClock } from "../api/clock.tsx";
import { Action } from "../parts/action.tsx";
import type { Webhook } from "./webhooks.tsx";

const HOUR_MS = 3_600_000;

const periods = [
  { value: "1", label: "the last hour" },
  { value: "6", label: "the last 6 hours" },
  { value: "24", label: "the last 24 hours" },
  { value: "72", label: "the last 3 days" },
  { value: "336", label: "the last 14 days" },
];

/** Test, recover, move, and disable or enable. */
export function WebhookActions({ webhook: { clientId, url, status } }: { webhook: Webhook }) {
  const params = { clientId };
  const [hours, setHours] = useState("24");
  const [newUrl, setNewUrl] = useState("");
  const { businessNowMs } = useClock();
  const target = newUrl.trim();
  return (
    <>
      <Action
        route="POST /v1/operator/clients/{clientId}/webhook/test"
        label="Send a test"
        about={`A webhook.test event is sent to ${url}.`}
        params={params}
        done={() => "The test is queued; it appears among the deliveries."}
      />
      <Action
        route="POST /v1/operator/clients/{clientId}/webhook/recover"
        label="Recover"
        isPrimary
        about="Everything of the period that was not delivered is sent to the webhook as it is now, with the same ids."
        params={params}
        fields={
          <Select
            label="Period"
            allowDeselect={false}
            data={periods}
            value={hours}
            onChange={(value) => setHours(value ?? "24")}
          />
        }
        body={{ since: new Date(businessNowMs() - Number(hours) * HOUR_MS).toISOString() }}
        done={() => "The recovery has started; its progress appears below."}
      />
      <Action
        route="POST /v1/operator/clients/{clientId}/webhook/move"
        label="Move"
        about="What waits is sent to the new URL, and everything later too. Its secret stays the same."
        params={params}
        fields={
          <TextInput
            label="New URL"
            type="url"
            required
            placeholder="https://…"
            value={newUrl}
            onChange={({ currentTarget }) => setNewUrl(currentTarget.value)}
          />
        }
        body={target === "" ? undefined : { url: target }}
        done={() => "The webhook is moved."}
        onClose={() => setNewUrl("")}
      />
      {status === "active" ? (
        <Action
          route="POST /v1/operator/clients/{clientId}/webhook/disable"
          label="Disable"
          isDangerous
          about="Nothing is sent any more. Deliveries that wait fail, and can be recovered later."
          params={params}
          done={() => "The webhook is disabled."}
        />
      ) : (
        <Action
          route="POST /v1/operator/clients/{clientId}/webhook/enable"
          label="Enable"
          about="New events are sent again. Recover what was not delivered meanwhile."
          params={params}
          done={() => "The webhook is active."}
        />
      )}
    </>
  );
}
