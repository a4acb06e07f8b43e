import { Button } from "@mantine/core";
import { createBrowserRouter, Link, type RouteObject, useRouteError } from "react-router";
import { Nothing } from "./parts/states.tsx";
import { Shell } from "./shell.tsx";

type Module = Record<string, unknown>;

/** A page in a file of its own, which is loaded when it is first opened. */
function page(path: string, load: () => Promise<Module>, name: string): RouteObject {
  return {
    path,
    lazy: async () => ({ Component: (await load())[name] as () => React.ReactNode }),
  };
}

const requests = () => import("./pages/requests.tsx");
const request = () => import("./pages/request.tsx");
const accounts = () => import("./pages/accounts.tsx");
const events = () => import("./pages/events.tsx");
const webhooks = () => import("./pages/webhooks.tsx");
const deliveries = () => import("./pages/deliveries.tsx");
const connections = () => import("./pages/connections.tsx");
const deadLetters = () => import("./pages/dead-letters.tsx");
const clients = () => import("./pages/clients.tsx");

export const router = createBrowserRouter([
  {
    path: "/",
    Component: Shell,
    ErrorBoundary: Broken,
    HydrateFallback: () => null,
    children: [
      {
        ErrorBoundary: Broken,
        children: [
          page("", () => import("./pages/overview.tsx"), "Overview"),
          page("requests", requests, "Requests"),
          page("requests/:requestId", request, "Request"),
          page("accounts", accounts, "Accounts"),
          page("accounts/:clientId/:accountId", () => import("./pages/account.tsx"), "Account"),
          page("events", events, "Events"),
          page("events/:id", events, "Event"),
          page("webhooks", webhooks, "Webhooks"),
          page("webhooks/:clientId", () => import("./pages/webhook.tsx"), "Webhook"),
          page("deliveries", deliveries, "Deliveries"),
          page("deliveries/:id", () => import("./pages/delivery.tsx"), "Delivery"),
          page("connections", connections, "Connections"),
          page("connections/:connectionId", () => import("./pages/connection.tsx"), "Connection"),
          page("schedules", () => import("./pages/schedules.tsx"), "Schedules"),
          page("dead-letters", deadLetters, "DeadLetterQueues"),
          page("dead-letters/:queue", deadLetters, "DeadLetters"),
          page(
            "dead-letters/:queue/:messageId",
            () => import("./pages/dead-letter.tsx"),
            "DeadLetter",
          ),
          page("alarms", () => import("./pages/alarms.tsx"), "Alarms"),
          page("audit", () => import("./pages/audit.tsx"), "Audit"),
          page("settings", () => import("./pages/settings.tsx"), "Settings"),
          page("clients", clients, "Clients"),
          page("clients/:clientId", () => import("./pages/client.tsx"), "Client"),
          page("find/:id", () => import("./pages/find.tsx"), "Find"),
          page("simulator", () => import("./pages/simulator.tsx"), "Simulator"),
          { path: "*", Component: Missing },
        ],
      },
    ],
  },
]);

function Missing() {
  return (
    <Nothing title="There is no such page">
      <Button component={Link} to="/" variant="default" mt="sm">
        To the overview
      </Button>
    </Nothing>
  );
}

/** A page that could not be loaded, as after a deployment, or that failed. */
function Broken() {
  const error = useRouteError();
  return (
    <Nothing title="This page failed">
      {error instanceof Error ? error.message : "Unknown error"}
      <br />
      <Button variant="default" mt="sm" onClick={() => location.reload()}>
        Load it again
      </Button>
    </Nothing>
  );
}
