"""A two-dimensional teacher: speech → pictures of the mouth."""

from audio2mesh.teacher.expert import Film as Film
from audio2mesh.teacher.fit import TeacherFitOptions as TeacherFitOptions
from audio2mesh.teacher.fit import fit_teacher as fit_teacher
from audio2mesh.teacher.network import Teacher as Teacher
from audio2mesh.teacher.network import TeacherOptions as TeacherOptions
from audio2mesh.teacher.network import teacher_crops as teacher_crops
from audio2mesh.teacher.sheet import write_sheet as write_sheet
from audio2mesh.teacher.storage import load_teacher as load_teacher
from audio2mesh.teacher.storage import save_teacher as save_teacher
