"""The module on what it is deployed on: in Apache with mod_wsgi, on volumes that nodes share."""
