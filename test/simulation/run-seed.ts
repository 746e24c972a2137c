import { checkJobAtEnd } from './job-invariants.ts';
import { SimulatedAccount } from './simulated-account.ts';
import { SimulatedClients } from './simulated-clients.ts';
import type { SimulatedJob } from './simulated-job.ts';
import { SimulatedReceiver } from './simulated-receiver.ts';
import type { Variant } from './variant.ts';
import { World } from './world.ts';

/** Later than everything but an expiry that never comes. */
const restMilliseconds = 1e9;

/**
 * Lives through the world of a seed, from the first order until everything has come to rest.
 * @returns what went wrong, or null
 */
export function runSeed(seed: number, variant: Variant = {}, trace?: (line: string) => void): string | null {
  try {
    live(new World(seed, variant, trace));
    return null;
  } catch (error) {
    const what = error instanceof Error ? `${error.constructor.name}: ${error.message}` : String(error);
    trace?.(what);
    return what;
  }
}

function live(world: World): void {
  const { random } = world;
  const jobs = new Map<string, SimulatedJob>();
  const account = new SimulatedAccount(world, jobs, {
    maximum: random.pick([2, 4, 100]),
    startingCredits: world.moneyRandom.pick([0, 60, 100_000, 100_000, 100_000, 100_000]),
  });
  const receiver = new SimulatedReceiver(world);
  const clients = new SimulatedClients(world, { account, receiver }, jobs);
  clients.begin();
  const faultyMilliseconds = random.pick([2000, 10_000, 150_000]);
  planFaults(world, account, jobs, faultyMilliseconds);
  world.runUntil(world.now + faultyMilliseconds);
  world.note('process', 'nothing goes wrong from now on');
  world.isCalm = true;
  world.runUntil(world.now + 70_000);
  for (let look = 0; look < 3; look++) {
    clients.lookAtAll();
    world.runUntil(world.now + 60_000);
  }
  world.runUntil(world.now + restMilliseconds);
  for (const job of jobs.values()) {
    checkJobAtEnd(job);
    receiver.checkAtEnd(job);
  }
  account.checkAtEnd();
}

function planFaults(
  world: World,
  account: SimulatedAccount,
  jobs: ReadonlyMap<string, SimulatedJob>,
  milliseconds: number,
): void {
  const { random, faults } = world;
  const span = () => random.below(random.pick([400, 3000, milliseconds]));
  for (let crash = 0; crash < faults.crashes; crash++)
    world.at(span(), () => {
      if (!world.isCalm) world.crash('at a random moment');
    });
  for (let lost = 0; lost < faults.lostAlarms; lost++)
    world.at(span(), () => {
      if (!world.isCalm) account.loseAlarm();
    });
  for (let full = 0; full < faults.fullStorages; full++)
    world.at(span(), () => {
      const job = random.pick([...jobs.values()]);
      job?.fillStorage(random.below(20_000));
    });
  if (faults.otherBuild === 'never') return;
  world.at(span(), () => replaceBuild(world, 'build-2'));
  if (faults.otherBuild === 'for a while') world.at(span(), () => replaceBuild(world, 'build-1'));
}

function replaceBuild(world: World, build: string): void {
  world.build = build;
  world.note('process', `serves ${build}`);
}
