"""What gunicorn serves: ``gunicorn dashboard.wsgi:server``."""

from dashboard.app import create_app
from dashboard.settings import Settings

server = create_app(Settings.from_env()).server
