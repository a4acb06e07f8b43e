import {
  ActionIcon,
  AppShell,
  Badge,
  Box,
  Burger,
  Group,
  NavLink,
  ScrollArea,
  Text,
  TextInput,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Link, Outlet, useLocation, useNavigate } from "react-router";
import { ClockProvider } from "./api/clock.tsx";
import { useLook } from "./api/live.ts";
import { type Me, MeProvider } from "./api/me.tsx";
import { toFound } from "./links.ts";
import { ClockIcon, LeaveIcon, MoonIcon, SearchIcon, SunIcon } from "./parts/icons.tsx";
import { usePreference } from "./parts/preferences.ts";
import { Loaded } from "./parts/states.tsx";
import { signOut, useSession } from "./session.ts";
import { SignIn } from "./sign-in.tsx";

/** Everything around the pages. Without a key there is nothing but the sign-in. */
export function Shell() {
  const { key } = useSession();
  return key === undefined ? <SignIn /> : <SignedIn />;
}

function SignedIn() {
  const me = useLook("GET /v1/operator/me", {}, { live: false });
  return (
    <Loaded of={me}>
      {(data) => (
        <MeProvider me={data}>
          <ClockProvider now={data.now} speed={data.speed} readAtMs={me.dataUpdatedAt}>
            <Frame me={data} />
          </ClockProvider>
        </MeProvider>
      )}
    </Loaded>
  );
}

interface Place {
  to: string;
  label: string;
  isInPortal: boolean;
  isOnlyLocal?: boolean;
}

const places: readonly Place[] = [
  { to: "/", label: "Overview", isInPortal: true },
  { to: "/requests", label: "Requests", isInPortal: true },
  { to: "/accounts", label: "Accounts", isInPortal: true },
  { to: "/schedules", label: "Schedules", isInPortal: true },
  { to: "/events", label: "Events", isInPortal: true },
  { to: "/webhooks", label: "Webhooks", isInPortal: true },
  { to: "/deliveries", label: "Deliveries", isInPortal: true },
  { to: "/connections", label: "Connections", isInPortal: true },
  { to: "/dead-letters", label: "Dead letters", isInPortal: false },
  { to: "/alarms", label: "Alarms", isInPortal: false },
  { to: "/clients", label: "Clients", isInPortal: false },
  { to: "/audit", label: "Audit", isInPortal: false },
  { to: "/settings", label: "Settings", isInPortal: false },
  { to: "/simulator", label: "Simulator", isInPortal: false, isOnlyLocal: true },
];

function Frame({ me }: { me: Me }) {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes whenever the page changes
  useEffect(close, [pathname]);
  const shown = places.filter(
    ({ isInPortal, isOnlyLocal }) =>
      (me.kind === "operator" || isInPortal) && (isOnlyLocal !== true || me.isLocal),
  );
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 200, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <a className="ackwire-skip" href="#content">
        Skip to the content
      </a>
      <AppShell.Header>
        <Header
          me={me}
          burger={
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Menu"
              aria-expanded={isOpen}
            />
          }
        />
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages">
        <AppShell.Section grow component={ScrollArea}>
          {shown.map(({ to, label }) => {
            const isHere = to === "/" ? pathname === "/" : pathname.startsWith(to);
            return (
              <NavLink
                key={to}
                component={Link}
                to={to}
                label={label}
                active={isHere}
                {...(isHere ? { "aria-current": "page" as const } : {})}
              />
            );
          })}
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} style={{ outline: "none" }}>
        <Outlet key={pathname} />
      </AppShell.Main>
    </AppShell>
  );
}

function Header({ me, burger }: { me: Me; burger: React.ReactNode }) {
  return (
    <Group h="100%" px="md" gap="sm" wrap="nowrap" justify="space-between">
      <Group gap="sm" wrap="nowrap">
        {burger}
        <Text component={Link} to="/" fw={700} c="inherit" td="none">
          Ackwire
        </Text>
        <Badge variant="default" tt="none" visibleFrom="sm" title={`Version ${me.version}`}>
          {me.kind === "portal" ? (me.clientName ?? me.clientId) : me.stack}
        </Badge>
      </Group>
      <Search />
      <Group gap={4} wrap="nowrap">
        <TimesToggle />
        <SchemeToggle />
        <Tooltip label={`Forget the key of “${me.name}”`}>
          <ActionIcon variant="subtle" color="gray" onClick={() => signOut()} aria-label="Sign out">
            <LeaveIcon />
          </ActionIcon>
        </Tooltip>
      </Group>
    </Group>
  );
}

/** Finds anything by its id; `/` takes the keyboard there. */
function Search() {
  const field = useRef<HTMLInputElement>(null);
  const [id, setId] = useState("");
  const navigate = useNavigate();
  useHotkeys([["/", () => field.current?.focus()]]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (id.trim() === "") return;
    navigate(toFound(id.trim()));
    setId("");
  };
  return (
    <Box component="search" flex={1} maw={420}>
      <form onSubmit={submit}>
        <TextInput
          ref={field}
          aria-label="Find anything by its id"
          placeholder="Find by id: rq_…, dl_…, cn_…   ( / )"
          leftSection={<SearchIcon />}
          value={id}
          autoComplete="off"
          onChange={({ currentTarget }) => setId(currentTarget.value)}
        />
      </form>
    </Box>
  );
}

function TimesToggle() {
  const [times, setTimes] = usePreference("times");
  const other = times === "relative" ? "exact" : "relative";
  return (
    <Tooltip label={`Show ${other} times`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        onClick={() => setTimes(other)}
        aria-label={`Show ${other} times`}
      >
        <ClockIcon />
      </ActionIcon>
    </Tooltip>
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const other = useComputedColorScheme("light") === "light" ? "dark" : "light";
  return (
    <Tooltip label={`Show it ${other}`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        onClick={() => setColorScheme(other)}
        aria-label={`Show it ${other}`}
      >
        {other === "dark" ? <MoonIcon /> : <SunIcon />}
      </ActionIcon>
    </Tooltip>
  );
}
