import { BehaviorSubject, Subject, map, type Observable } from 'rxjs';

interface Run {
  id: string;
  status: string;
}

export class RunFeed {
  private readonly runs = new BehaviorSubject<ReadonlyMap<string, Run>>(new Map());
  private readonly table = { update: new Subject<Run>(), create: new Subject<Run>() };

  constructor() {
    this.table.create.subscribe((run) => this.runs.next(new Map(this.runs.value).set(run.id, run)));
    this.table.update.subscribe((run) => this.runs.next(new Map(this.runs.value).set(run.id, run)));
  }

  create(id: string): void {
    this.table.create.next({ id, status: 'Running' });
  }

  update(id: string, status: string): void {
    if (!this.runs.value.has(id)) this.create(id);
    this.table.update.next({ id, status });
  }

  of(id: string): Observable<Run | undefined> {
    return this.runs.pipe(map((runs) => runs.get(id)));
  }
}
