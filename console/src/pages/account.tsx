import { Alert, Group, Progress, SimpleGrid, Stack, Text } from "@mantine/core";
import { useParams, useSearchParams } from "react-router";
import type { Answer } from "../api/call.ts";
import { useLook } from "../api/live.ts";
import { toClient, toConnection } from "../links.ts";
import { Action } from "../parts/action.tsx";
import { Facts } from "../parts/facts.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Rows } from "../parts/table.tsx";
import { BothTimes, Time } from "../parts/time.tsx";
import { requestColumns } from "./requests.tsx";

const route = "GET /v1/operator/clients/{clientId}/accounts/{accountId}";
type AccountAnswer = Answer<typeof route>;
type Budget = AccountAnswer["budget"];

export function Account() {
  const { clientId = "", accountId = "" } = useParams();
  const [search] = useSearchParams();
  const connectionId = search.get("connectionId");
  const params = { clientId, accountId };
  const query = connectionId === null ? {} : { connectionId };
  const account = useLook(route, { params, query });
  const { data } = account;
  return (
    <Page
      title="Account"
      about={<Id id={accountId} />}
      actions={
        data !== undefined &&
        (data.status === "paused" ? (
          <Action
            route="POST /v1/operator/clients/{clientId}/accounts/{accountId}/resume"
            label="Resume"
            isPrimary
            about="Submitting for this account resumes, whatever paused it."
            {...{ params, query }}
            done={() => "The account is active."}
          />
        ) : (
          <Action
            route="POST /v1/operator/clients/{clientId}/accounts/{accountId}/pause"
            label="Pause"
            about="Nothing is submitted for this account until it is resumed. Accepted requests wait."
            {...{ params, query }}
            done={() => "The account is paused."}
          />
        ))
      }
    >
      <Loaded of={account}>
        {(of) => (
          <>
            {of.status === "paused" && (
              <Alert color="orange" title="This account is paused">
                {of.pausedBecause === undefined
                  ? "A person paused it."
                  : `Because: ${of.pausedBecause}.`}
                {of.pausedUntil !== undefined && (
                  <>
                    {" "}
                    It resumes by itself <Time at={of.pausedUntil} />.
                  </>
                )}
              </Alert>
            )}
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <Section title="What it is">
                <Details account={of} />
              </Section>
              <Section title="Hours and pace">
                <Rules account={of} />
              </Section>
            </SimpleGrid>
            <Section title="Budget">
              <BudgetBars budget={of.budget} />
            </Section>
            <Lane lane={of.lane} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Details({ account }: { account: AccountAnswer }) {
  return (
    <Facts
      of={{
        Status: <Status value={account.status} />,
        Provider: account.provider,
        Connection: <Id id={account.connectionId} to={toConnection(account.connectionId)} />,
        Client: <Id id={account.clientId} to={toClient(account.clientId)} />,
        Registered: <BothTimes at={account.createdAt} />,
        "Set of limits": account.preset,
      }}
    />
  );
}

function Rules({ account: { budget, pace, hours = budget.hours } }: { account: AccountAnswer }) {
  return (
    <Facts
      of={{
        Now: budget.isOpen ? "open" : "closed",
        Opens: budget.opensAt && <BothTimes at={budget.opensAt} />,
        Hours: hours === undefined ? "always" : <Hours hours={hours} />,
        Pace: pace && `${pace.minSeconds} to ${pace.maxSeconds} s between two requests`,
        "Next not before": budget.nextSubmissionNotBefore && (
          <BothTimes at={budget.nextSubmissionNotBefore} />
        ),
        "Warming up since": budget.warmUpStartedAt && <BothTimes at={budget.warmUpStartedAt} />,
      }}
    />
  );
}

function Hours({ hours }: { hours: NonNullable<Budget["hours"]> }) {
  const { timeZone, days, ...times } = hours;
  const period = Object.values(times).map(String).join(" to ");
  return (
    <>
      {days.join(", ")}, {period} ({timeZone})
    </>
  );
}

function BudgetBars({ budget: { limits, categories } }: { budget: Budget }) {
  const blocked = categories.filter(({ waitsFor }) => waitsFor !== "now");
  if (limits.length === 0) {
    return <Text size="sm">No limits: this account has the set “off” and none of its own.</Text>;
  }
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
        {limits.map(({ category, per, max, used, left, availableAt }) => (
          <div key={`${category} ${per}`}>
            <Group justify="space-between" gap="xs">
              <Text size="sm">
                {category}, per {per}
              </Text>
              <Text size="sm" c="dimmed">
                {used} of {max}
              </Text>
            </Group>
            <Progress
              value={max === 0 ? 100 : Math.min(100, (used / max) * 100)}
              color={left > 0 ? "indigo" : "red"}
              aria-label={`${category} per ${per}: ${used} of ${max} used`}
            />
            {left <= 0 && (
              <Text size="xs" c="dimmed">
                {availableAt === undefined ? (
                  "none allowed"
                ) : (
                  <>
                    free <Time at={availableAt} />
                  </>
                )}
              </Text>
            )}
          </div>
        ))}
      </SimpleGrid>
      {blocked.length > 0 && (
        <Rows
          label="What waits"
          items={blocked}
          keyOf={({ category }) => category}
          columns={[
            { title: "Category", cell: ({ category }) => category },
            { title: "Waits for", cell: ({ waitsFor }) => waitsFor },
            { title: "Next", cell: ({ nextAt }) => nextAt !== undefined && <Time at={nextAt} /> },
          ]}
        />
      )}
    </Stack>
  );
}

function Lane({ lane: { isHeld, waiting, requests } }: { lane: AccountAnswer["lane"] }) {
  return (
    <Section title={`Lane: ${waiting} wait${isHeld ? ", one is being carried out" : ""}`}>
      {requests.length === 0 ? (
        <Nothing title="No request waits" />
      ) : (
        <Rows
          label="Requests in the lane"
          items={requests}
          keyOf={({ requestId }) => requestId}
          columns={[
            { title: "Place", cell: ({ position }) => position ?? "in progress" },
            ...requestColumns(false).filter(({ title }) => title !== "Account"),
          ]}
        />
      )}
    </Section>
  );
}
