"""The folders of the project: every test is run, no file hides a module that others import."""

import os
import sys

from tests.support import PROJECT, run_python, unittest

OURS = ['modules', 'simple', 'mezeo_fsstore', 'tests', 'bench']

OF_THIS_PYTHON = getattr(sys, 'stdlib_module_names', ())

# What Python 2 has, and the newest Python 3 has not.
OF_PYTHON_2 = '''
aifc anydbm asynchat asyncore audiodev audioop BaseHTTPServer Bastion binhex bsddb cgi
CGIHTTPServer cgitb chunk commands compiler ConfigParser Cookie cookielib copy_reg cPickle crypt
cStringIO dbhash dircache distutils DocXMLRPCServer dumbdbm dummy_thread dummy_threading
exceptions formatter fpformat future_builtins hotshot htmlentitydefs htmllib HTMLParser httplib
ihooks imghdr imp imputil lib2to3 linuxaudiodev macpath macurl2path mailcap markupbase md5 mhlib
mimetools MimeWriter mimify multifile mutex new nis nntplib os2emxpath ossaudiodev parser pipes
popen2 posixfile Queue repr rexec rfc822 robotparser sets sgmllib sha SimpleHTTPServer
SimpleXMLRPCServer smtpd sndhdr SocketServer spwd sre statvfs StringIO stringold strop sunau
sunaudio symbol telnetlib test thread toaiff urllib2 urlparse user UserDict UserList UserString uu
whichdb xdrlib xmllib xmlrpclib xxsubtype
'''.split()


def folders(top):
    """Return pairs of a folder with Python files, from `top` down, and the names in it."""
    return [(folder, names) for folder, _, names in os.walk(os.path.join(PROJECT, top))
            if any(name.endswith('.py') for name in names)]


class LayoutTest(unittest.TestCase):

    def test_each_room_of_tests_is_a_package_or_its_tests_would_not_be_run(self):
        rooms = folders('tests')
        self.assertTrue(len(rooms) > 5)
        for folder, names in rooms:
            self.assertTrue('__init__.py' in names, folder)

    def test_the_first_page_of_tests_names_each_room(self):
        with open(os.path.join(PROJECT, 'tests', '__init__.py'), 'rb') as source:
            text = source.read().decode('utf-8')
        for folder, _ in folders('tests')[1:]:
            self.assertTrue('\n%s ' % os.path.basename(folder) in text, folder)

    @unittest.skipUnless(OF_THIS_PYTHON, 'before 3.10 Python does not name its modules')
    def test_no_file_has_the_name_of_a_module_that_a_neighbour_imports(self):
        # On Python 2 `import stat` finds a neighbour stat.py first.
        taken = set(OF_PYTHON_2).union(OF_THIS_PYTHON, OURS)
        for folder, names in folders('tests') + folders('mezeo_fsstore'):
            if os.path.dirname(folder) != PROJECT:
                names = names + [os.path.basename(folder)]
            for name in names:
                self.assertFalse(os.path.splitext(name)[0] in taken, '%s in %s' % (name, folder))

    def test_the_import_of_tests_brings_in_the_kit_and_nothing_else(self):
        status, output, errors = run_python(
            '-c', 'import sys, tests\n'
                  'print(" ".join(name for name in sys.modules if sys.modules[name]))')
        self.assertEqual((0, b''), (status, errors))
        found = set(output.decode('ascii').split())
        self.assertTrue(found.issuperset(['tests', 'tests.kit', 'tests.kit.base']))
        for name in found - set(['tests', 'tests.kit']):
            ours = name.split('.')[0] in OURS
            self.assertFalse(ours and not name.startswith('tests.kit.'), name)
        self.assertEqual(set(), found.intersection(
            ['tests.kit.memory', 'tests.kit.miniature', 'mock', 'unittest.mock']))
