import {
  Button,
  Checkbox,
  Group,
  NumberInput,
  PasswordInput,
  Select,
  TextInput,
} from "@mantine/core";
import { useState } from "react";
import { Action } from "../parts/action.tsx";
import type { Connection } from "./connections.tsx";

/** Pause or resume, credentials, secret, and how it verifies. What is typed is sent and forgotten. */
export function ConnectionActions({ connection: of }: { connection: Connection }) {
  const params = { connectionId: of.connectionId };
  return (
    <>
      <SetCredentials
        params={params}
        isUrgent={of.pausedBecause !== undefined || !of.hasCredentials}
      />
      <RotateSecret params={params} isUrgent={of.refused !== undefined} />
      <Verification params={params} connection={of} />
      {of.status === "paused" ? (
        <Action
          route="POST /v1/operator/connections/{connectionId}/resume"
          label="Resume"
          isPrimary={of.pausedBecause === undefined}
          about="Requests are submitted again. If the provider refuses its credentials again, it is paused again."
          params={params}
          done={() => "The connection is active."}
        />
      ) : (
        <Action
          route="POST /v1/operator/connections/{connectionId}/pause"
          label="Pause"
          about="Nothing is sent to the provider: its requests wait. Webhooks are accepted."
          params={params}
          done={() => "The connection is paused."}
        />
      )}
    </>
  );
}

type Params = { connectionId: string };

interface Header {
  name: string;
  value: string;
}

const noHeader: readonly Header[] = [{ name: "", value: "" }];

function SetCredentials({ params, isUrgent }: { params: Params; isUrgent: boolean }) {
  const [headers, setHeaders] = useState(noHeader);
  const given = headers.filter(({ name, value }) => name.trim() !== "" && value !== "");
  const change = (place: number, part: Partial<Header>) =>
    setHeaders(headers.map((one, at) => (at === place ? { ...one, ...part } : one)));
  return (
    <Action
      route="POST /v1/operator/connections/{connectionId}/credentials"
      label="Set credentials"
      isPrimary={isUrgent}
      about="The headers that authenticate at the provider are replaced by these, and what their refusal paused resumes."
      params={params}
      fields={
        <>
          {headers.map((header, place) => (
            <Group
              // biome-ignore lint/suspicious/noArrayIndexKey: a header has no other identity
              key={place}
              grow
              align="flex-end"
            >
              <TextInput
                label="Header"
                placeholder="x-api-key"
                value={header.name}
                onChange={({ currentTarget }) => change(place, { name: currentTarget.value })}
              />
              <PasswordInput
                label="Value"
                autoComplete="new-password"
                value={header.value}
                onChange={({ currentTarget }) => change(place, { value: currentTarget.value })}
              />
            </Group>
          ))}
          <Button
            variant="subtle"
            size="xs"
            onClick={() => setHeaders([...headers, ...noHeader])}
            style={{ alignSelf: "flex-start" }}
          >
            Another header
          </Button>
        </>
      }
      body={
        given.length === 0
          ? undefined
          : {
              credentials: Object.fromEntries(
                given.map(({ name, value }) => [name.trim().toLowerCase(), value]),
              ),
            }
      }
      done={() => "The credentials are set."}
      onClose={() => setHeaders(noHeader)}
    />
  );
}

function RotateSecret({ params, isUrgent }: { params: Params; isUrgent: boolean }) {
  const [webhookSecret, setSecret] = useState("");
  const [overlapHours, setOverlapHours] = useState<number | string>(24);
  return (
    <Action
      route="POST /v1/operator/connections/{connectionId}/rotate-secret"
      label="Rotate the secret"
      isPrimary={isUrgent}
      about="Webhooks that are signed with the new secret are accepted at once; the old one stays valid for a while."
      params={params}
      fields={
        <>
          <PasswordInput
            label="New secret"
            description="As the provider shows it."
            autoComplete="new-password"
            required
            value={webhookSecret}
            onChange={({ currentTarget }) => setSecret(currentTarget.value)}
          />
          <NumberInput
            label="The old one stays valid for"
            suffix=" hours"
            min={0}
            max={24}
            allowDecimal={false}
            value={overlapHours}
            onChange={setOverlapHours}
          />
        </>
      }
      body={
        webhookSecret === "" || overlapHours === ""
          ? undefined
          : { webhookSecret, overlapHours: Number(overlapHours) }
      }
      done={() => "The new secret is in use."}
      onClose={() => setSecret("")}
    />
  );
}

function Verification({ params, connection }: { params: Params; connection: Connection }) {
  const [signature, setSignature] = useState<string>(connection.signature);
  const [verifyByFetch, setVerifyByFetch] = useState(connection.verifyByFetch);
  const [allowUnboundJwt, setAllowUnboundJwt] = useState(connection.allowUnboundJwt);
  const reset = () => {
    setSignature(connection.signature);
    setVerifyByFetch(connection.verifyByFetch);
    setAllowUnboundJwt(connection.allowUnboundJwt);
  };
  return (
    <Action
      route="POST /v1/operator/connections/{connectionId}/settings"
      label="Verification"
      about="How the connection verifies the provider's webhooks."
      params={params}
      fields={
        <>
          <Select
            label="A webhook with a wrong signature"
            allowDeselect={false}
            data={[
              { value: "enforce", label: "is refused" },
              { value: "quarantine", label: "is put into quarantine" },
            ]}
            value={signature}
            onChange={(value) => setSignature(value ?? "enforce")}
          />
          <Checkbox
            label="Take the content from the provider's API, not from the webhook"
            checked={verifyByFetch}
            onChange={({ currentTarget }) => setVerifyByFetch(currentTarget.checked)}
          />
          <Checkbox
            label="Accept a JWT that does not bind the body"
            checked={allowUnboundJwt}
            onChange={({ currentTarget }) => setAllowUnboundJwt(currentTarget.checked)}
          />
        </>
      }
      body={{ signature, verifyByFetch, allowUnboundJwt }}
      done={() => "The settings are changed."}
      onClose={reset}
    />
  );
}
