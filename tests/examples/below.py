"""How a module reaches the one that it extends."""


def module_below(context, name):
    """Return the module that is registered under `name`, from the context of a call.

    Ask for it at each call: when the platform makes an instance, the other modules may not be there
    yet. Raises ValueError for a context without `getModule`, so that this does not look like a
    missing object. What `getModule` raises is passed on.
    """
    try:
        get_module = context['func']['getModule']
    except (KeyError, TypeError):
        raise ValueError("the module %r can't be reached: the platform's context must have "
                         "['func']['getModule'], but is %r" % (name, context))
    return get_module(name)
