from celery import Celery

celery = Celery("workflows", broker="redis://localhost:6379/0")
celery.conf.beat_schedule = {"sweep": {"task": "workflows.tasks.sweep.sweep", "schedule": 600.0}}
