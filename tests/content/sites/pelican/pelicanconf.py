AUTHOR = 'Lou Sample'
SITENAME = "Pelican's example"
SITEURL = ''
PATH = 'content'
TIMEZONE = 'Europe/Paris'
DEFAULT_LANG = 'fr'
ARTICLE_URL = 'posts/{date:%Y}/{slug}/'
