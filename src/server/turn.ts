/** What has something to do at the end of a turn of the event loop. */
export interface TurnTask {
  /** MUST NOT throw. */
  onTurnEnd(): void;
}

/** From so many tasks on, a turn takes so long to end that it pays to look before it what else has come in. */
const manyTasks = 128;

let tasks: TurnTask[] = [];
let looked = false;

/**
 * Calls a task when this turn of the event loop has done its work. All tasks of a process share one
 * immediate, so that what a turn sends to a thousand sockets is written in one go.
 *
 * A turn with many tasks goes on for one more round of the loop: what came in meanwhile is handled
 * first. Otherwise messages to one crowd that have once come apart, so that some are written while
 * the others come in, would stay apart, and each socket be written to twice as often.
 */
export function atTurnEnd(task: TurnTask): void {
  if (tasks.length === 0) setImmediate(endTurn);
  tasks.push(task);
}

function endTurn(): void {
  looked = !looked && tasks.length >= manyTasks;
  if (looked) {
    setImmediate(endTurn);
    return;
  }
  const due = tasks;
  tasks = [];
  for (const task of due) task.onTurnEnd();
}
