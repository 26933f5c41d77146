import { Injectable, computed, signal } from '@angular/core';
import { FormBuilder } from '@angular/forms';

interface Run {
  id: string;
  tokens: number;
}

@Injectable({ providedIn: 'root' })
export class RunState {
  private readonly runs = signal<Run[]>([]);
  readonly total = computed(() => this.runs().reduce((sum, run) => sum + run.tokens, 0));

  constructor(private readonly forms: FormBuilder) {}

  createRun(id: string): void {
    this.runs.update((runs) => [...runs, { id, tokens: 0 }]);
  }

  updateRun(id: string, tokens: number): void {
    this.runs.update((runs) => runs.map((run) => (run.id === id ? { ...run, tokens } : run)));
  }

  createForm() {
    return this.forms.group({ table: 'Client Run Results' });
  }
}
