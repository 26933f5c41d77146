/** An in-memory queue whose words are those of a store. */
interface Job {
  id: number;
  name: string;
}

class Jobs {
  private rows: Job[] = [];

  create({ data }: { data: Omit<Job, 'id'> }): Job {
    const job = { id: this.rows.length, ...data };
    this.rows.push(job);
    return job;
  }

  update({ where, data }: { where: { id: number }; data: Partial<Job> }): void {
    Object.assign(this.rows[where.id] ?? {}, data);
  }

  upsert(job: Job): void {
    if (this.rows[job.id]) this.update({ where: job, data: job });
    else this.create({ data: job });
  }
}

export const clientRunResults = new Jobs();
clientRunResults.create({ data: { name: 'Client Run Results' } });
clientRunResults.upsert({ id: 0, name: 'again' });
